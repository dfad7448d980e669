#include "proxy/rules/iptables.h"

#include <algorithm>
#include <cstdio>

#include "proxy/rules/names.h"
#include "proxy/rules/topology.h"

namespace kpp::proxy {

bool RuleOptions::all_node_ports() const {
  if (node_port_cidrs.empty()) return true;
  return std::any_of(node_port_cidrs.begin(), node_port_cidrs.end(),
                     [](const std::string& cidr) { return cidr == "0.0.0.0/0" || cidr == "::/0"; });
}

bool RuleOptions::loopback_node_ports() const {
  if (family != IpFamily::kIPv4 || !localhost_node_ports) return false;
  if (all_node_ports()) return true;
  return std::any_of(node_port_cidrs.begin(), node_port_cidrs.end(), [](const std::string& text) {
    const auto cidr = Cidr::parse(text);
    return cidr && (cidr->network.is_loopback() || cidr->contains(*Address::parse("127.0.0.1")));
  });
}

namespace {

std::string comment(std::string_view text) { return cat("-m comment --comment \"", text, "\""); }

// 1/n with ten digits, as a match of equal share among n.
std::string share(std::size_t n) {
  char text[32];
  const int length = std::snprintf(text, sizeof text, "%0.10f", 1.0 / static_cast<double>(n));
  return {text, static_cast<std::size_t>(length)};
}

// Writes the rules of one request.
class Writer {
 public:
  Writer(const RuleRequest& request, RestoreText& out)
      : request_(request), options_(*request.options), out_(out) {
    char mark[16];
    std::snprintf(mark, sizeof mark, "0x%08x",
                  1U << static_cast<unsigned>(options_.masquerade_bit));
    mark_ = mark;
  }

  RuleAnswer write() {
    answer_.endpoints = request_.model->total_endpoints();
    large_ = answer_.endpoints > kLargeCluster;
    write_fixed_chains();
    for (const auto& [name, port] : request_.model->services) write_service(name, port);
    write_stale();
    write_node_port_jump();
    write_forward();
    return std::move(answer_);
  }

 private:
  // Everything known about the service port at hand.
  struct Service {
    const ServicePortName& name;
    const ServicePort& port;
    const ChainNames chains;
    const std::string text;
    const std::string protocol;
    const EndpointChoice choice;
    std::string internal_chain;
    std::string external_policy_chain;
    bool has_internal = false;
    bool has_external = false;
    bool uses_external = false;
    bool uses_firewall = false;
  };

  void nat(std::string line) { out_.rule("nat", std::move(line)); }
  void filter(std::string line) { out_.rule("filter", std::move(line)); }

  void write_fixed_chains() {
    for (const char* chain : {"KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD",
                              "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL"}) {
      out_.chain("filter", chain);
    }
    for (const char* chain :
         {"KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"}) {
      out_.chain("nat", chain);
    }
    if (options_.loopback_node_ports()) {
      // route_localnet lets others on the wire reach 127.0.0.0/8 here: only what was translated
      // may.
      out_.chain("filter", "KUBE-FIREWALL");
      filter(cat("-A KUBE-FIREWALL ", comment("block incoming localnet connections"),
                 " -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate "
                 "RELATED,ESTABLISHED,DNAT -j DROP"));
    }
    nat(cat("-A KUBE-POSTROUTING -m mark ! --mark ", mark_, "/", mark_, " -j RETURN"));
    // The mark is cleared so that a packet that passes again is not masqueraded twice.
    nat(cat("-A KUBE-POSTROUTING -j MARK --xor-mark ", mark_));
    nat(cat("-A KUBE-POSTROUTING ", comment("kubernetes service traffic requiring SNAT"),
            " -j MASQUERADE", options_.random_fully ? " --random-fully" : ""));
    nat(cat("-A KUBE-MARK-MASQ -j MARK --or-mark ", mark_));
  }

  Service describe(const ServicePortName& name, const ServicePort& port) const {
    std::string protocol = name.protocol;
    for (char& c : protocol) c = static_cast<char>(c | 0x20);
    Service s{name,
              port,
              ChainNames(name),
              name.to_string(),
              std::move(protocol),
              choose_endpoints(request_.model->endpoints_of(name), port, options_.node_name,
                               options_.node_labels),
              {},
              {}};
    const bool any_local = !s.choice.local.empty();
    s.internal_chain = port.internal_local ? s.chains.local : s.chains.cluster;
    s.has_internal = s.choice.any && (!port.internal_local || any_local);
    s.external_policy_chain = port.external_local ? s.chains.local : s.chains.cluster;
    s.has_external = s.choice.any && (!port.external_local || any_local);
    s.uses_external = s.choice.any && port.externally_accessible();
    s.uses_firewall =
        s.choice.any && !port.load_balancer_ips.empty() && !port.source_ranges.empty();
    return s;
  }

  std::string to(const Service& s, std::string_view ip, int port) const {
    return cat("-m ", s.protocol, " -p ", s.protocol, " -d ", ip, " --dport ", port);
  }
  std::string to_node_port(const Service& s) const {
    return cat("-m ", s.protocol, " -p ", s.protocol, " --dport ", s.port.node_port);
  }
  // Refuses what no endpoint takes: at once where there is none anywhere, silently where others
  // have some.
  std::string refusal_reason(const Service& s) const {
    return comment(cat(s.text, s.choice.any ? " has no local endpoints" : " has no endpoints"));
  }
  std::string refusal(const Service& s) const { return s.choice.any ? " -j DROP" : " -j REJECT"; }

  void write_service(const ServicePortName& name, const ServicePort& port) {
    const Service s = describe(name, port);
    write_dispatch(s);
    const bool rewrite = request_.full || request_.changed.contains(name.service());
    write_service_chains(s, rewrite);
  }

  void write_dispatch(const Service& s) {
    if (s.has_internal) {
      nat(cat("-A KUBE-SERVICES ", comment(cat(s.text, " cluster IP")), " ",
              to(s, s.port.cluster_ip, s.port.port), " -j ", s.internal_chain));
    } else {
      filter(cat("-A KUBE-SERVICES ", refusal_reason(s), " ", to(s, s.port.cluster_ip, s.port.port),
                 refusal(s)));
    }
    for (const auto& ip : s.port.external_ips) {
      if (s.choice.any) {
        nat(cat("-A KUBE-SERVICES ", comment(cat(s.text, " external IP")), " ",
                to(s, ip, s.port.port), " -j ", s.chains.external));
      }
      if (!s.has_external) {
        filter(cat("-A KUBE-EXTERNAL-SERVICES ", refusal_reason(s), " ", to(s, ip, s.port.port),
                   refusal(s)));
      }
    }
    for (const auto& ip : s.port.load_balancer_ips) {
      if (s.choice.any) {
        nat(cat("-A KUBE-SERVICES ", comment(cat(s.text, " loadbalancer IP")), " ",
                to(s, ip, s.port.port), " -j ",
                s.uses_firewall ? s.chains.firewall : s.chains.external));
      }
      if (s.uses_firewall) {
        filter(cat("-A KUBE-PROXY-FIREWALL ",
                   comment(cat(s.text, " traffic not accepted by ", s.chains.firewall)), " ",
                   to(s, ip, s.port.port), " -j DROP"));
      }
      if (!s.has_external) {
        filter(cat("-A KUBE-EXTERNAL-SERVICES ", refusal_reason(s), " ", to(s, ip, s.port.port),
                   refusal(s)));
      }
    }
    if (s.port.node_port != 0) write_node_port(s);
    if (s.port.health_check_node_port != 0) {
      filter(cat("-A KUBE-NODEPORTS ", comment(cat(s.text, " health check node port")),
                 " -m tcp -p tcp --dport ", s.port.health_check_node_port, " -j ACCEPT"));
    }
  }

  void write_node_port(const Service& s) {
    if (s.choice.any) {
      if (options_.accounting && options_.loopback_node_ports()) {
        nat(cat("-A KUBE-NODEPORTS ", comment(s.text), " -m ", s.protocol, " -p ", s.protocol,
                " -d 127.0.0.0/8 --dport ", s.port.node_port,
                " -m nfacct --nfacct-name localhost_nps_accepted_pkts -j ", s.chains.external));
      }
      nat(cat("-A KUBE-NODEPORTS ", comment(s.text), " ", to_node_port(s), " -j ",
              s.chains.external));
    }
    if (!s.has_external) {
      filter(cat("-A KUBE-EXTERNAL-SERVICES ", refusal_reason(s), " -m addrtype --dst-type LOCAL ",
                 to_node_port(s), refusal(s)));
    }
  }

  // The chain is in use; declared only if its rules follow.
  void use_chain(const std::string& chain, bool rewrite) {
    answer_.chains.insert(chain);
    if (rewrite) out_.chain("nat", chain);
  }

  void write_service_chains(const Service& s, bool rewrite) {
    const bool cluster = !s.choice.cluster.empty() && s.port.uses_cluster_endpoints();
    const bool local = !s.choice.local.empty() && s.port.uses_local_endpoints();
    if (s.uses_external) use_chain(s.chains.external, rewrite);
    if (s.uses_firewall) use_chain(s.chains.firewall, rewrite);
    if (cluster) use_chain(s.chains.cluster, rewrite);
    if (local) use_chain(s.chains.local, rewrite);
    std::vector<std::string> endpoint_chains;
    for (const Endpoint* endpoint : s.choice.reachable) {
      endpoint_chains.push_back(endpoint_chain(s.name, endpoint->to_string()));
      use_chain(endpoint_chains.back(), rewrite);
    }
    if (!rewrite) return;

    if (s.has_internal) write_internal_masquerade(s);
    if (s.uses_external) write_external(s);
    if (s.uses_firewall) write_firewall(s);
    if (cluster) write_balancing(s, s.chains.cluster, s.choice.cluster);
    if (local) write_balancing(s, s.chains.local, s.choice.local);
    for (std::size_t i = 0; i < endpoint_chains.size(); ++i) {
      write_endpoint(s, *s.choice.reachable[i], endpoint_chains[i]);
    }
  }

  void write_internal_masquerade(const Service& s) {
    const std::string head = cat("-A ", s.internal_chain, " ", comment(cat(s.text, " cluster IP")),
                                 " ", to(s, s.port.cluster_ip, s.port.port));
    if (options_.masquerade_all) {
      nat(cat(head, " -j KUBE-MARK-MASQ"));
    } else if (!options_.local_source.empty()) {
      nat(cat(head, " ! ", options_.local_source, " -j KUBE-MARK-MASQ"));
    }
  }

  void write_external(const Service& s) {
    const std::string head = cat("-A ", s.chains.external, " ");
    if (!s.port.external_local) {
      nat(cat(head, comment(cat("masquerade traffic for ", s.text, " external destinations")),
              " -j KUBE-MARK-MASQ"));
    } else {
      // Who is inside already keeps to the cluster's policy, as if the cluster IP had been asked
      // for.
      if (!options_.local_source.empty()) {
        nat(cat(head, comment(cat("pod traffic for ", s.text, " external destinations")), " ",
                options_.local_source, " -j ", s.chains.cluster));
      }
      nat(cat(head, comment(cat("masquerade LOCAL traffic for ", s.text, " external destinations")),
              " -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ"));
      nat(cat(head, comment(cat("route LOCAL traffic for ", s.text, " external destinations")),
              " -m addrtype --src-type LOCAL -j ", s.chains.cluster));
    }
    if (s.has_external) nat(cat(head, "-j ", s.external_policy_chain));
  }

  void write_firewall(const Service& s) {
    const std::string head = cat("-A ", s.chains.firewall, " ");
    const std::string reason = comment(cat(s.text, " loadbalancer IP"));
    const auto node = Address::parse(options_.node_ip);
    bool node_admitted = false;
    for (const auto& range : s.port.source_ranges) {
      nat(cat(head, reason, " -s ", range, " -j ", s.chains.external));
      const auto cidr = Cidr::parse(range);
      node_admitted = node_admitted || (node && cidr && cidr->contains(*node));
    }
    // The node's own packets to the load balancer's address may carry that address as their source.
    if (node_admitted) {
      for (const auto& ip : s.port.load_balancer_ips) {
        nat(cat(head, reason, " -s ", ip, " -j ", s.chains.external));
      }
    }
    nat(cat(head,
            comment(cat("other traffic to ", s.text, " will be dropped by KUBE-PROXY-FIREWALL"))));
  }

  void write_balancing(const Service& s, const std::string& chain,
                       const std::vector<const Endpoint*>& endpoints) {
    std::vector<std::string> heads;
    std::vector<std::string> targets;
    for (const Endpoint* endpoint : endpoints) {
      const std::string text = endpoint->to_string();
      targets.push_back(endpoint_chain(s.name, text));
      heads.push_back(large_ ? cat("-A ", chain, " ")
                             : cat("-A ", chain, " ", comment(cat(s.text, " -> ", text)), " "));
    }
    if (s.port.affinity_seconds != 0) {
      for (std::size_t i = 0; i < targets.size(); ++i) {
        nat(cat(heads[i], "-m recent --name ", targets[i], " --rcheck --seconds ",
                s.port.affinity_seconds, " --reap -j ", targets[i]));
      }
    }
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const std::size_t left = targets.size() - i;
      nat(cat(heads[i],
              left > 1 ? cat("-m statistic --mode random --probability ", share(left), " ")
                       : std::string(),
              "-j ", targets[i]));
    }
  }

  void write_endpoint(const Service& s, const Endpoint& endpoint, const std::string& chain) {
    const std::string head =
        large_ ? cat("-A ", chain, " ") : cat("-A ", chain, " ", comment(s.text), " ");
    // A pod that reaches itself through the service would otherwise see its own address answer.
    nat(cat(head, "-s ", endpoint.ip, " -j KUBE-MARK-MASQ"));
    nat(cat(
        head,
        s.port.affinity_seconds != 0 ? cat("-m recent --name ", chain, " --set ") : std::string(),
        "-m ", s.protocol, " -p ", s.protocol, " -j DNAT --to-destination ", endpoint.to_string()));
  }

  void write_stale() {
    if (request_.keep_stale_chains) {
      answer_.chains.insert(request_.existing_chains.begin(), request_.existing_chains.end());
      return;
    }
    for (const auto& chain : request_.existing_chains) {
      if (answer_.chains.contains(chain)) continue;
      out_.chain("nat", chain);
      nat(cat("-X ", chain));
    }
  }

  void write_node_port_jump() {
    const std::string head =
        cat("-A KUBE-SERVICES ",
            comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain"),
            " ");
    if (options_.all_node_ports()) {
      const char* except = "";
      if (options_.family == IpFamily::kIPv6) {
        except = " ! -d ::1/128";
      } else if (!options_.localhost_node_ports) {
        except = " ! -d 127.0.0.0/8";
      }
      nat(cat(head, "-m addrtype --dst-type LOCAL", except, " -j KUBE-NODEPORTS"));
      return;
    }
    std::set<std::string> served;
    for (const auto& text : options_.node_addresses) {
      const auto address = Address::parse(text);
      if (!address || address->family != options_.family) continue;
      if (address->is_loopback() && !options_.loopback_node_ports()) continue;
      for (const auto& range : options_.node_port_cidrs) {
        const auto cidr = Cidr::parse(range);
        if (cidr && cidr->contains(*address)) served.insert(address->to_string());
      }
    }
    for (const auto& ip : served) nat(cat(head, "-d ", ip, " -j KUBE-NODEPORTS"));
  }

  void write_forward() {
    // Packets that conntrack cannot place would reach pods without translation, and be answered
    // with resets.
    if (!options_.conntrack_be_liberal) {
      filter(
          cat("-A KUBE-FORWARD -m conntrack --ctstate INVALID",
              options_.accounting ? " -m nfacct --nfacct-name ct_state_invalid_dropped_pkts" : "",
              " -j DROP"));
    }
    filter(cat("-A KUBE-FORWARD ", comment("kubernetes forwarding rules"), " -m mark --mark ",
               mark_, "/", mark_, " -j ACCEPT"));
    filter(cat("-A KUBE-FORWARD ", comment("kubernetes forwarding conntrack rule"),
               " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"));
  }

  const RuleRequest& request_;
  const RuleOptions& options_;
  RestoreText& out_;
  std::string mark_;
  bool large_ = false;
  RuleAnswer answer_;
};

}  // namespace

RuleAnswer write_rules(const RuleRequest& request, RestoreText& out) {
  return Writer(request, out).write();
}

}  // namespace kpp::proxy
