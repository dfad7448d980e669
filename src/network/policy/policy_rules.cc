#include "network/policy/policy_rules.h"

#include <algorithm>
#include <set>

#include "linux/links.h"
#include "network/policy/number_ranges.h"

namespace kpp::network {
namespace {

using Policy = networkingv1::NetworkPolicy;
using Peers = std::vector<networkingv1::NetworkPolicyPeer>;
using Ports = std::vector<networkingv1::NetworkPolicyPort>;

constexpr std::uint32_t kLastPort = 65535;
constexpr std::uint32_t kLastAddress = 0xFFFFFFFF;

enum class Direction { kIngress, kEgress };

// A name of nft that stays the same for the same text (FNV-1a, 64 bits).
std::string name_of(std::string_view prefix, std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  std::string out(prefix);
  for (int i = 0; i < 16; ++i, hash >>= 4) out += "0123456789abcdef"[hash & 15];
  return out;
}

// As nft takes it without looking into files of the machine. 0: none that there is.
int protocol_number(const std::string& protocol) {
  if (protocol == "TCP" || protocol.empty()) return 6;
  if (protocol == "UDP") return 17;
  if (protocol == "SCTP") return 132;
  return 0;
}

std::string range_text(const NumberRange& range, bool addresses) {
  const auto text = [&](std::uint32_t n) { return addresses ? sys::ipv4_text(n) : cat(n); };
  return range.first == range.last ? text(range.first)
                                   : cat(text(range.first), "-", text(range.last));
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) out += cat(out.empty() ? "" : between, word);
  return out;
}

// Quotes and line ends cannot stand in a comment.
std::string comment(const Policy& policy) {
  return cat(" comment \"", policy.metadata.namespace_, "/", policy.metadata.name.substr(0, 60),
             "\"");
}

bool has_type(const Policy& policy, Direction direction) {
  const auto& types = policy.spec.policy_types;
  if (types.empty()) return direction == Direction::kIngress || !policy.spec.egress.empty();
  const char* type = direction == Direction::kIngress ? "Ingress" : "Egress";
  return std::ranges::find(types, type) != types.end();
}

class Builder {
 public:
  Builder(const PolicyFacts& facts, Ruleset& out) : facts_(facts), out_(out) {}

  void build() {
    const bool egress = isolate(Direction::kEgress);
    const bool ingress = isolate(Direction::kIngress);
    if (!egress && !ingress) return;
    RuleSet& self = out_.sets["self"];
    self.type = "ipv4_addr . ipv4_addr";
    for (const std::string& address : isolated_) self.elements[cat(address, " . ", address)];
    RuleChain& forward = out_.chains["forward"];
    forward.hook = "type filter hook forward priority -5; policy accept;";
    forward.rules = {"ct state established,related accept", "ip saddr . ip daddr @self accept"};
    if (egress) forward.rules.emplace_back("ip saddr vmap @egress-pods");
    forward.rules.emplace_back("goto ingress");
    RuleChain& in = out_.chains["ingress"];
    if (ingress) in.rules.emplace_back("ip daddr vmap @ingress-pods");
    in.rules.emplace_back("accept");
  }

 private:
  // Gives each pod of the node that a policy isolates its chain. False if there is none.
  bool isolate(Direction direction) {
    const bool in = direction == Direction::kIngress;
    std::map<std::string, std::vector<const Policy*>> by_pod;
    for (const auto& policy : facts_.policies) {
      if (!has_type(*policy, direction)) continue;
      const auto selector = api::LabelSelector::from(policy->spec.pod_selector);
      // The API takes none that cannot be read.
      if (!selector) continue;
      for (const PodFacts& pod : facts_.pods) {
        if (pod.node == facts_.node && pod.namespace_ == policy->metadata.namespace_ &&
            selector->matches(pod.labels)) {
          by_pod[pod.address].push_back(policy.get());
        }
      }
    }
    if (by_pod.empty()) return false;
    RuleSet& map = out_.sets[in ? "ingress-pods" : "egress-pods"];
    map.type = "ipv4_addr";
    map.verdicts = true;
    for (const auto& [address, policies] : by_pod) {
      isolated_.insert(address);
      map.elements[address] = cat("goto ", combination(policies, direction));
    }
    return true;
  }

  // The chain of all pods that just these policies isolate.
  std::string combination(const std::vector<const Policy*>& policies, Direction direction) {
    std::set<std::string> chains;
    for (const Policy* policy : policies) chains.insert(policy_chain(*policy, direction));
    const std::vector<std::string> sorted(chains.begin(), chains.end());
    const std::string name =
        name_of(direction == Direction::kIngress ? "i-" : "e-", joined(sorted, ","));
    RuleChain& chain = out_.chains[name];
    if (!chain.rules.empty()) return name;
    for (const std::string& one : sorted) chain.rules.push_back(cat("jump ", one));
    chain.rules.emplace_back("drop");
    return name;
  }

  // The chain of one policy: what it allows leaves it, all else comes back.
  std::string policy_chain(const Policy& policy, Direction direction) {
    const bool in = direction == Direction::kIngress;
    const std::string name =
        name_of(in ? "ip-" : "ep-", cat(policy.metadata.namespace_, "/", policy.metadata.name));
    if (!written_.insert(name).second) return name;
    std::vector<std::string> rules;
    if (in) {
      for (const auto& rule : policy.spec.ingress)
        add_rules(policy, rule.from, rule.ports, direction, rules);
    } else {
      for (const auto& rule : policy.spec.egress)
        add_rules(policy, rule.to, rule.ports, direction, rules);
    }
    out_.chains[name].rules = std::move(rules);
    return name;
  }

  void add_rules(const Policy& policy, const Peers& peers, const Ports& ports, Direction direction,
                 std::vector<std::string>& out) {
    const char* verdict = direction == Direction::kIngress ? "accept" : "goto ingress";
    const std::vector<std::string> to = port_matches(ports);
    for (const std::string& from : peer_matches(policy, peers, direction)) {
      for (const std::string& port : to) out.push_back(cat(from, port, verdict, comment(policy)));
    }
  }

  // One match for each; none lets nothing through. No peers at all are all peers.
  std::vector<std::string> peer_matches(const Policy& policy, const Peers& peers,
                                        Direction direction) {
    if (peers.empty()) return {""};
    const std::string field = direction == Direction::kIngress ? "ip saddr " : "ip daddr ";
    std::vector<std::string> out;
    for (const auto& peer : peers) {
      if (!peer.ip_block) {
        const std::string set = pod_set(policy, peer);
        if (!set.empty()) out.push_back(cat(field, "@", set, " "));
        continue;
      }
      const NumberRanges block = addresses_of(*peer.ip_block);
      if (block.empty()) continue;
      if (block.ranges().front() == NumberRange{0, kLastAddress}) {
        out.emplace_back("");
        continue;
      }
      std::vector<std::string> texts;
      for (const NumberRange& range : block.ranges()) texts.push_back(range_text(range, true));
      out.push_back(cat(field, "{ ", joined(texts, ", "), " } "));
    }
    return out;
  }

  static NumberRanges addresses_of(const networkingv1::IPBlock& block) {
    const auto range_of = [](const std::string& text) -> std::optional<NumberRange> {
      const auto network = sys::parse_ipv4_network(text);
      if (!network) return std::nullopt;
      const std::uint32_t rest =
          network->prefix == 0 ? kLastAddress : (kLastAddress >> (network->prefix - 1)) >> 1;
      return NumberRange{network->address, network->address + rest};
    };
    NumberRanges out;
    if (const auto all = range_of(block.cidr)) out.add(*all);
    for (const std::string& text : block.except) {
      if (const auto one = range_of(text)) out.remove(*one);
    }
    return out;
  }

  // The set of the pods that a peer selects.
  std::string pod_set(const Policy& policy, const networkingv1::NetworkPolicyPeer& peer) {
    const auto pods = peer.pod_selector ? api::LabelSelector::from(*peer.pod_selector)
                                        : Result<api::LabelSelector>(api::LabelSelector());
    const auto namespaces = peer.namespace_selector
                                ? api::LabelSelector::from(*peer.namespace_selector)
                                : Result<api::LabelSelector>(api::LabelSelector());
    if (!pods || !namespaces) return {};
    const std::string own = peer.namespace_selector ? std::string() : policy.metadata.namespace_;
    const std::string name =
        name_of("p-", cat(own, "|", namespaces->to_string(), "|", pods->to_string()));
    RuleSet& set = out_.sets[name];
    if (!set.type.empty()) return name;
    set.type = "ipv4_addr";
    const std::set<std::string> fitting = namespaces_of(own, *namespaces);
    for (const PodFacts& pod : facts_.pods) {
      if (fitting.contains(pod.namespace_) && pods->matches(pod.labels)) set.elements[pod.address];
    }
    return name;
  }

  std::set<std::string> namespaces_of(const std::string& own, const api::LabelSelector& selector) {
    if (!own.empty()) return {own};
    std::set<std::string> out;
    for (const auto& [name, labels] : facts_.namespaces) {
      if (selector.matches(labels)) out.insert(name);
    }
    return out;
  }

  // One match for all numbers and one for each name; no ports at all are all of all protocols.
  std::vector<std::string> port_matches(const Ports& ports) {
    if (ports.empty()) return {""};
    std::map<int, NumberRanges> numbers;
    std::vector<std::string> out;
    for (const auto& port : ports) {
      const std::string protocol = port.protocol.value_or("TCP");
      const int number = protocol_number(protocol);
      if (number == 0) continue;
      if (!port.port) {
        numbers[number].add({0, kLastPort});
      } else if (port.port->is_string) {
        out.push_back(cat("ip daddr . meta l4proto . th dport @",
                          named_port_set(port.port->string_value, protocol), " "));
      } else {
        const auto first = static_cast<std::uint32_t>(port.port->int_value);
        numbers[number].add(
            {first, static_cast<std::uint32_t>(port.end_port.value_or(port.port->int_value))});
      }
    }
    std::vector<std::string> elements;
    for (const auto& [number, ranges] : numbers) {
      for (const NumberRange& range : ranges.ranges())
        elements.push_back(cat(number, " . ", range_text(range, false)));
    }
    if (!elements.empty())
      out.push_back(cat("meta l4proto . th dport { ", joined(elements, ", "), " } "));
    return out;
  }

  // Where each pod of the cluster has the port of this name.
  std::string named_port_set(const std::string& port, const std::string& protocol) {
    const std::string name = name_of("n-", cat(protocol, "/", port));
    RuleSet& set = out_.sets[name];
    if (!set.type.empty()) return name;
    set.type = "ipv4_addr . inet_proto . inet_service";
    for (const PodFacts& pod : facts_.pods) {
      for (const NamedPort& one : pod.ports) {
        if (one.name != port || one.protocol != protocol) continue;
        set.elements[cat(pod.address, " . ", protocol_number(protocol), " . ", one.number)];
        break;
      }
    }
    return name;
  }

  const PolicyFacts& facts_;
  Ruleset& out_;
  std::set<std::string> isolated_;  // addresses
  std::set<std::string> written_;   // chains of policies
};

}  // namespace

void add_policy_rules(const PolicyFacts& facts, Ruleset& out) { Builder(facts, out).build(); }

}  // namespace kpp::network
