#include "network/testing/packet_walk.h"

#include <optional>
#include <vector>

#include "base/check.h"
#include "linux/links.h"

namespace kpp::network::testing {
namespace {

enum class Verdict { kAccept, kDrop, kNone };

std::uint32_t number(std::string_view text) {
  if (const auto address = sys::parse_ipv4(text)) return *address;
  return static_cast<std::uint32_t>(std::stoul(std::string(text)));
}

// "80", "80-90", "10.0.0.0-10.0.0.255".
bool in_range(std::uint32_t value, std::string_view text) {
  const std::size_t dash = text.find('-');
  const std::uint32_t first = number(text.substr(0, dash));
  const std::uint32_t last = dash == std::string_view::npos ? first : number(text.substr(dash + 1));
  return first <= value && value <= last;
}

std::vector<std::string> split(std::string_view text, std::string_view by) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t at = text.find(by);
    out.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + by.size());
  }
}

class Walk {
 public:
  Walk(const Ruleset& rules, const Packet& packet) : rules_(rules), packet_(packet) {}

  Verdict chain(const std::string& name) {
    const auto found = rules_.chains.find(name);
    KPP_CHECK(found != rules_.chains.end(), "no chain ", name);
    for (const std::string& rule : found->second.rules) {
      bool leaves = false;
      const Verdict verdict = one_rule(rule, leaves);
      if (verdict != Verdict::kNone || leaves) return verdict;
    }
    return Verdict::kNone;
  }

 private:
  // `leaves`: the chain is over without a verdict (the end of what goto led to).
  Verdict one_rule(std::string_view rule, bool& leaves) {
    rule = rule.substr(0, rule.find(" comment "));
    while (true) {
      if (rule.starts_with("ct state established,related ")) return Verdict::kNone;
      if (take(rule, "ip saddr vmap @")) return mapped(packet_.from, rule, leaves);
      if (take(rule, "ip daddr vmap @")) return mapped(packet_.to, rule, leaves);
      if (const auto value = field(rule)) {
        if (!matches(*value, rule)) return Verdict::kNone;
        continue;
      }
      return verdict_of(rule, leaves);
    }
  }

  static bool take(std::string_view& rule, std::string_view head) {
    if (!rule.starts_with(head)) return false;
    rule.remove_prefix(head.size());
    return true;
  }

  std::optional<std::string> field(std::string_view& rule) const {
    const std::string port = cat(packet_.protocol, " . ", packet_.port);
    if (take(rule, "ip saddr . ip daddr ")) return cat(packet_.from, " . ", packet_.to);
    if (take(rule, "ip daddr . meta l4proto . th dport ")) return cat(packet_.to, " . ", port);
    if (take(rule, "meta l4proto . th dport ")) return port;
    if (take(rule, "ip saddr ")) return packet_.from;
    if (take(rule, "ip daddr ")) return packet_.to;
    return std::nullopt;
  }

  // Against "@set " or "{ element, element } ", which is taken off.
  bool matches(const std::string& value, std::string_view& rule) const {
    if (take(rule, "@")) {
      const std::size_t end = rule.find(' ');
      const auto set = rules_.sets.find(std::string(rule.substr(0, end)));
      KPP_CHECK(set != rules_.sets.end(), "no set ", rule.substr(0, end));
      rule.remove_prefix(end + 1);
      return set->second.elements.contains(value);
    }
    KPP_CHECK(take(rule, "{ "), "not understood: ", rule);
    const std::size_t end = rule.find(" } ");
    bool any = false;
    for (const std::string& element : split(rule.substr(0, end), ", ")) {
      const auto parts = split(element, " . ");
      const auto values = split(value, " . ");
      bool all = parts.size() == values.size();
      for (std::size_t i = 0; all && i < parts.size(); ++i)
        all = in_range(number(values[i]), parts[i]);
      any = any || all;
    }
    rule.remove_prefix(end + 3);
    return any;
  }

  Verdict mapped(const std::string& address, std::string_view map, bool& leaves) {
    const auto& elements = rules_.sets.at(std::string(map)).elements;
    const auto found = elements.find(address);
    return found == elements.end() ? Verdict::kNone : verdict_of(found->second, leaves);
  }

  Verdict verdict_of(std::string_view text, bool& leaves) {
    if (text == "accept") return Verdict::kAccept;
    if (text == "drop") return Verdict::kDrop;
    if (take(text, "jump ")) return chain(std::string(text));
    KPP_CHECK(take(text, "goto "), "not understood: ", text);
    leaves = true;
    return chain(std::string(text));
  }

  const Ruleset& rules_;
  const Packet& packet_;
};

}  // namespace

bool passes(const Ruleset& rules, const Packet& packet) {
  if (!rules.chains.contains("forward")) return true;
  return Walk(rules, packet).chain("forward") != Verdict::kDrop;
}

}  // namespace kpp::network::testing
