// The rules of this node's pod network, and the text that brings nft(8) from one state to another.
// Pure: no process, no clock.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace kpp::network {

inline constexpr const char* kTableFamily = "ip";
inline constexpr const char* kTableName = "kpp-net";

// A set, or a map to verdicts.
struct RuleSet {
  std::string type;  // "ipv4_addr . inet_proto . inet_service"
  bool intervals = false;
  bool verdicts = false;
  std::map<std::string, std::string> elements;  // to their verdicts; to nothing in a plain set
  friend bool operator==(const RuleSet&, const RuleSet&) = default;
};

struct RuleChain {
  std::string hook;  // "type filter hook forward priority -5; policy accept;", empty: jumped to
  std::vector<std::string> rules;
  friend bool operator==(const RuleChain&, const RuleChain&) = default;
};

// One table. Names must be words of nft. A chain or set that is referred to must be there.
struct Ruleset {
  std::map<std::string, RuleSet> sets;
  std::map<std::string, RuleChain> chains;
  friend bool operator==(const Ruleset&, const Ruleset&) = default;
};

// The table anew, in place of whatever stands there, as one transaction.
std::string whole_table(const Ruleset& wanted);
// What turns one into the other, as one transaction; empty if nothing does. Only elements that have
// come or gone are named, unless the set has intervals: then all.
std::string table_changes(const Ruleset& before, const Ruleset& after);

}  // namespace kpp::network
