// From services and endpoints to the text that iptables-restore takes. Pure: no process, no clock,
// no state.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "proxy/rules/types.h"

namespace kpp::proxy {

// Chains and rules of one table, as `iptables-save -t TABLE` or all tables print them.
using TableRules =
    std::map<std::string, std::vector<std::string>>;  // chain -> rules without "-A CHAIN "
struct KernelRules {
  std::map<std::string, TableRules> tables;

  // Errors: kBadRequest for text that is not the output of iptables-save.
  static Result<KernelRules> parse(std::string_view saved);
  bool has_chain(const std::string& table, const std::string& chain) const;
};

// One input of iptables-restore.
class RestoreText {
 public:
  // Declares a chain; one that exists is emptied.
  void chain(const std::string& table, const std::string& chain);
  void rule(const std::string& table, std::string line);
  bool empty() const { return tables_.empty(); }
  std::string to_string() const;

 private:
  struct Table {
    std::vector<std::string> chains;
    std::vector<std::string> lines;
  };
  std::map<std::string, Table> tables_;  // filter, mangle, nat
};

// The chains that only watch whether someone flushed all rules.
inline constexpr const char* kCanaryChain = "KUBE-PROXY-CANARY";

// What must stand around our rules and is only added where it is missing: the jumps from the
// built-in chains, put at their heads, and the canaries.
void write_missing_frame(const KernelRules& kernel, bool canaries, RestoreText& out);

struct RuleRequest {
  const FamilyModel* model = nullptr;
  const RuleOptions* options = nullptr;
  // All services' chains are written; else only those of `changed`.
  bool full = true;
  std::set<std::string> changed;  // "namespace/name"
  std::set<std::string>
      existing_chains;  // of services, in the kernel: those not needed any more are removed
  bool keep_stale_chains = false;
};

struct RuleAnswer {
  std::set<std::string> chains;  // of services, that exist afterwards
  int endpoints = 0;
};

// Appends everything that this proxy owns. The chains that dispatch are always written whole.
RuleAnswer write_rules(const RuleRequest& request, RestoreText& out);

// With more endpoints than this, rules of endpoints carry no comments.
inline constexpr int kLargeCluster = 1000;

}  // namespace kpp::proxy
