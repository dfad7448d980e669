#include <algorithm>
#include <functional>

#include "proxy/rules/iptables.h"

namespace kpp::proxy {

namespace {

struct Jump {
  const char* table;
  const char* from;
  const char* to;
  const char* rule;  // as iptables-save prints it, without "-A FROM "
};

// In the order in which they are put at the head of their chains: the last one stands first.
constexpr Jump kJumps[] = {
    {"filter", "INPUT", "KUBE-EXTERNAL-SERVICES",
     "-m conntrack --ctstate NEW -m comment --comment \"kubernetes externally-visible service "
     "portals\" "
     "-j KUBE-EXTERNAL-SERVICES"},
    {"filter", "FORWARD", "KUBE-EXTERNAL-SERVICES",
     "-m conntrack --ctstate NEW -m comment --comment \"kubernetes externally-visible service "
     "portals\" "
     "-j KUBE-EXTERNAL-SERVICES"},
    {"filter", "INPUT", "KUBE-NODEPORTS",
     "-m comment --comment \"kubernetes health check service ports\" -j KUBE-NODEPORTS"},
    {"filter", "FORWARD", "KUBE-SERVICES",
     "-m conntrack --ctstate NEW -m comment --comment \"kubernetes service portals\" -j "
     "KUBE-SERVICES"},
    {"filter", "OUTPUT", "KUBE-SERVICES",
     "-m conntrack --ctstate NEW -m comment --comment \"kubernetes service portals\" -j "
     "KUBE-SERVICES"},
    {"filter", "FORWARD", "KUBE-FORWARD",
     "-m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD"},
    {"filter", "INPUT", "KUBE-PROXY-FIREWALL",
     "-m conntrack --ctstate NEW -m comment --comment \"kubernetes load balancer firewall\" -j "
     "KUBE-PROXY-FIREWALL"},
    {"filter", "OUTPUT", "KUBE-PROXY-FIREWALL",
     "-m conntrack --ctstate NEW -m comment --comment \"kubernetes load balancer firewall\" -j "
     "KUBE-PROXY-FIREWALL"},
    {"filter", "FORWARD", "KUBE-PROXY-FIREWALL",
     "-m conntrack --ctstate NEW -m comment --comment \"kubernetes load balancer firewall\" -j "
     "KUBE-PROXY-FIREWALL"},
    {"filter", "INPUT", "KUBE-FIREWALL", "-j KUBE-FIREWALL"},
    {"filter", "OUTPUT", "KUBE-FIREWALL", "-j KUBE-FIREWALL"},
    {"nat", "OUTPUT", "KUBE-SERVICES",
     "-m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES"},
    {"nat", "PREROUTING", "KUBE-SERVICES",
     "-m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES"},
    {"nat", "POSTROUTING", "KUBE-POSTROUTING",
     "-m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING"},
};

}  // namespace

Result<KernelRules> KernelRules::parse(std::string_view saved) {
  KernelRules out;
  TableRules* table = nullptr;
  while (!saved.empty()) {
    const auto end = std::min(saved.find('\n'), saved.size());
    std::string_view line = saved.substr(0, end);
    saved.remove_prefix(std::min(end + 1, saved.size()));
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '*') {
      table = &out.tables[std::string(line.substr(1))];
      continue;
    }
    if (line == "COMMIT") {
      table = nullptr;
      continue;
    }
    if (table == nullptr) return fail(Reason::kBadRequest, cat("no table before ", quoted(line)));
    if (line.front() == ':') {
      const auto blank = std::min(line.find(' '), line.size());
      (*table)[std::string(line.substr(1, blank - 1))];
      continue;
    }
    if (line.front() == '[') {  // counters before the rule
      const auto close = line.find("] ");
      if (close == std::string_view::npos)
        return fail(Reason::kBadRequest, cat("no rule in ", quoted(line)));
      line.remove_prefix(close + 2);
    }
    if (!line.starts_with("-A "))
      return fail(Reason::kBadRequest, cat("neither chain nor rule: ", quoted(line)));
    line.remove_prefix(3);
    const auto blank = std::min(line.find(' '), line.size());
    auto& rules = (*table)[std::string(line.substr(0, blank))];
    rules.emplace_back(line.substr(std::min(blank + 1, line.size())));
  }
  return out;
}

bool KernelRules::has_chain(const std::string& table, const std::string& chain) const {
  const auto found = tables.find(table);
  return found != tables.end() && found->second.contains(chain);
}

void RestoreText::chain(const std::string& table, const std::string& chain) {
  tables_[table].chains.push_back(chain);
}

void RestoreText::rule(const std::string& table, std::string line) {
  tables_[table].lines.push_back(std::move(line));
}

std::string RestoreText::to_string() const {
  std::string out;
  for (const auto& [name, table] : tables_) {
    out.append("*").append(name).append("\n");
    // iptables-nft-restore puts each new chain into a sorted list that it walks from its head: with
    // ten thousand chains this order takes a third of the time of a random one.
    std::vector<std::string> chains = table.chains;
    std::sort(chains.begin(), chains.end(), std::greater<>());
    for (const auto& chain : chains) out.append(":").append(chain).append(" - [0:0]\n");
    for (const auto& line : table.lines) out.append(line).append("\n");
    out.append("COMMIT\n");
  }
  return out;
}

void write_missing_frame(const KernelRules& kernel, bool canaries, RestoreText& out) {
  for (const char* table : {"filter", "mangle", "nat"}) {
    if (canaries && !kernel.has_chain(table, kCanaryChain)) out.chain(table, kCanaryChain);
  }
  // The kubelet fills this chain too: it is not emptied.
  if (!kernel.has_chain("filter", "KUBE-FIREWALL")) out.chain("filter", "KUBE-FIREWALL");
  for (const Jump& jump : kJumps) {
    const auto table = kernel.tables.find(jump.table);
    if (table != kernel.tables.end()) {
      const auto rules = table->second.find(jump.from);
      if (rules != table->second.end() &&
          std::find(rules->second.begin(), rules->second.end(), jump.rule) != rules->second.end()) {
        continue;
      }
    }
    out.rule(jump.table, cat("-I ", jump.from, " ", jump.rule));
  }
}

}  // namespace kpp::proxy
