// A model of the netfilter tables that takes what iptables-restore takes and shows what
// iptables-save shows.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "proxy/rules/address.h"
#include "proxy/rules/iptables.h"

namespace kpp::proxy::testing {

// Rules as a restore text holds them: declared chains with their rules, and the other lines, by
// table.
struct SentText {
  std::map<std::string, TableRules> chains;
  std::map<std::string, std::vector<std::string>> other;

  static SentText parse(std::string_view text);
};

class KernelModel {
 public:
  explicit KernelModel(IpFamily family);

  // Refuses, leaving everything as it was, what the tool would refuse: rules of or to chains that
  // do not exist.
  Status restore(std::string_view text);
  void flush();
  KernelRules& rules() { return rules_; }

 private:
  IpFamily family_;
  KernelRules rules_;
};

// A rule as iptables-save 1.8.9 prints it.
std::string saved_form(std::string_view rule, IpFamily family);
// Built-in chains without rules: a kernel shows them only once the table was used.
void drop_empty_built_in(KernelRules& rules);
// Chains in which the order between services means nothing are sorted by service port.
void sort_dispatch_chains(KernelRules& rules);

}  // namespace kpp::proxy::testing
