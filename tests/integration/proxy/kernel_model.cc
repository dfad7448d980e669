#include "kernel_model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace kpp::proxy::testing {

namespace {

std::vector<std::string> words_of(std::string_view rule) {
  std::vector<std::string> out;
  std::string word;
  bool quoted_now = false;
  bool any = false;
  for (const char c : rule) {
    if (c == '"') {
      quoted_now = !quoted_now;
      any = true;
    } else if (c == ' ' && !quoted_now) {
      if (any) out.push_back(std::exchange(word, {}));
      any = false;
    } else {
      word.push_back(c);
      any = true;
    }
  }
  if (any) out.push_back(word);
  return out;
}

std::string with_prefix_length(const std::string& address, IpFamily family) {
  if (address.find('/') != std::string::npos) return address;
  return cat(address, family == IpFamily::kIPv4 ? "/32" : "/128");
}

std::string hex_mark(const std::string& text) {
  char out[24];
  std::snprintf(out, sizeof out, "0x%lx", std::strtoul(text.c_str(), nullptr, 16));
  return out;
}

std::string probability(const std::string& text) {
  const double steps = std::round(std::strtod(text.c_str(), nullptr) * 2147483648.0);
  char out[32];
  std::snprintf(out, sizeof out, "%.11f", steps / 2147483648.0);
  return out;
}

std::string target_of(const std::string& rule) {
  const auto words = words_of(rule);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "-j") return words[i + 1];
  }
  return {};
}

}  // namespace

std::string saved_form(std::string_view rule, IpFamily family) {
  const auto words = words_of(rule);
  std::map<std::string, std::string> first;  // -s, -d, -i, -p come first, in this order
  std::string rest;
  const auto add = [&rest](const std::string& text) {
    rest.append(rest.empty() ? "" : " ").append(text);
  };
  std::string negation;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const std::string next = i + 1 < words.size() ? words[i + 1] : std::string();
    if (word == "!") {
      negation = "! ";
      continue;
    }
    if (word == "-s" || word == "-d") {
      first[word] = cat(negation, word, " ", with_prefix_length(next, family));
      ++i;
    } else if (word == "-i" || word == "-p") {
      first[word] = cat(negation, word, " ", next);
      ++i;
    } else if (word == "--comment") {
      add(cat(word, " \"", next, "\""));
      ++i;
    } else if (word == "--probability") {
      add(cat(word, " ", probability(next)));
      ++i;
    } else if (word == "--or-mark") {
      add(cat("--set-xmark ", hex_mark(next), "/", hex_mark(next)));
      ++i;
    } else if (word == "--xor-mark") {
      add(cat("--set-xmark ", hex_mark(next), "/0x0"));
      ++i;
    } else if (word == "--mark") {
      const auto slash = next.find('/');
      add(cat(negation, word, " ", hex_mark(next.substr(0, slash)), "/",
              hex_mark(next.substr(slash + 1))));
      ++i;
    } else if (word == "--nfacct-name") {
      add(cat(word, "  ", next));
      ++i;
    } else if (word == "-m" && next == "recent") {
      // -m recent --name N --set | --name N --rcheck --seconds S --reap
      const std::string name = words[i + 3];
      const std::string mask =
          family == IpFamily::kIPv4 ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
      if (words[i + 4] == "--set") {
        add(cat("-m recent --set --name ", name, " --mask ", mask, " --rsource"));
        i += 4;
      } else {
        add(cat("-m recent --rcheck --seconds ", words[i + 6], " --reap --name ", name, " --mask ",
                mask, " --rsource"));
        i += 7;
      }
    } else if (word == "-j" && next == "REJECT") {
      add(cat("-j REJECT --reject-with ",
              family == IpFamily::kIPv4 ? "icmp-port-unreachable" : "icmp6-port-unreachable"));
      ++i;
    } else {
      add(cat(negation, word));
    }
    negation.clear();
  }
  std::string out;
  for (const char* key : {"-s", "-d", "-i", "-p"}) {
    if (const auto found = first.find(key); found != first.end())
      out.append(found->second).append(" ");
  }
  out.append(rest);
  return out;
}

SentText SentText::parse(std::string_view text) {
  SentText out;
  std::string table;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("*")) {
      table = line.substr(1);
    } else if (line.starts_with(":")) {
      out.chains[table][line.substr(1, line.find(' ') - 1)];
    } else if (line.starts_with("-A ")) {
      const auto blank = line.find(' ', 3);
      out.chains[table][line.substr(3, blank - 3)].push_back(line.substr(blank + 1));
    } else if (!line.empty() && line != "COMMIT") {
      out.other[table].push_back(line);
    }
  }
  return out;
}

KernelModel::KernelModel(IpFamily family) : family_(family) { flush(); }

void KernelModel::flush() {
  rules_.tables.clear();
  for (const char* chain : {"INPUT", "FORWARD", "OUTPUT"}) rules_.tables["filter"][chain];
  for (const char* chain : {"INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POSTROUTING"})
    rules_.tables["mangle"][chain];
  for (const char* chain : {"INPUT", "OUTPUT", "PREROUTING", "POSTROUTING"})
    rules_.tables["nat"][chain];
}

namespace {

// Whether every jump leads to a chain that exists.
Status check_targets(const TableRules& chains) {
  static const std::set<std::string> kBuiltIn = {"",       "ACCEPT", "DROP",       "REJECT",
                                                 "RETURN", "MARK",   "MASQUERADE", "DNAT"};
  for (const auto& [chain, rules] : chains) {
    for (const auto& rule : rules) {
      const auto target = target_of(rule);
      if (!kBuiltIn.contains(target) && !chains.contains(target)) {
        return Status(Reason::kIo, cat("no chain ", target, " for ", rule));
      }
    }
  }
  return {};
}

Status apply_line(TableRules& chains, const std::string& line, IpFamily family) {
  if (line.starts_with(":")) {
    chains[line.substr(1, line.find(' ') - 1)].clear();
    return {};
  }
  const auto blank = std::min(line.find(' ', 3), line.size());
  const std::string chain = line.substr(3, blank - 3);
  if (!chains.contains(chain)) return Status(Reason::kIo, cat("no chain for ", line));
  if (line.starts_with("-X ")) {
    for (const auto& [name, rules] : chains) {
      for (const auto& rule : rules) {
        if (target_of(rule) == chain) return Status(Reason::kIo, cat("chain in use: ", line));
      }
    }
    chains.erase(chain);
    return {};
  }
  auto& rules = chains[chain];
  const std::string rule = saved_form(line.substr(blank + 1), family);
  if (line.starts_with("-D ")) {
    std::erase(rules, rule);
  } else {
    rules.insert(line.starts_with("-A ") ? rules.end() : rules.begin(), rule);
  }
  return {};
}

}  // namespace

// Each table is one transaction, as with the tool.
Status KernelModel::restore(std::string_view text) {
  std::string table;
  TableRules chains;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("*")) {
      table = line.substr(1);
      chains = rules_.tables[table];
    } else if (line == "COMMIT") {
      KPP_RETURN_IF_ERROR(check_targets(chains));
      rules_.tables[table] = chains;
    } else {
      KPP_RETURN_IF_ERROR(apply_line(chains, line, family_));
    }
  }
  return {};
}

void drop_empty_built_in(KernelRules& rules) {
  for (auto& [name, chains] : rules.tables) {
    for (const char* chain : {"INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POSTROUTING"}) {
      const auto found = chains.find(chain);
      if (found != chains.end() && found->second.empty()) chains.erase(found);
    }
  }
}

void sort_dispatch_chains(KernelRules& rules) {
  static const std::set<std::pair<std::string, std::string>> kSorted = {
      {"nat", "KUBE-SERVICES"},     {"nat", "KUBE-NODEPORTS"},
      {"filter", "KUBE-SERVICES"},  {"filter", "KUBE-EXTERNAL-SERVICES"},
      {"filter", "KUBE-NODEPORTS"}, {"filter", "KUBE-PROXY-FIREWALL"}};
  const auto key = [](const std::string& rule) {
    if (rule.find("must be the last rule") != std::string::npos) return cat("\x7f", rule);
    const auto at = rule.find("--comment \"");
    if (at == std::string::npos) return std::string();
    const auto start = at + 11;
    return rule.substr(start, rule.find_first_of(" \"", start) - start);
  };
  for (const auto& [table, chain] : kSorted) {
    const auto found = rules.tables.find(table);
    if (found == rules.tables.end() || !found->second.contains(chain)) continue;
    auto& list = found->second[chain];
    std::multimap<std::string, std::string> by_service;  // keeps the order of equal keys
    for (auto& rule : list) by_service.emplace(key(rule), rule);
    list.clear();
    for (auto& [service, rule] : by_service) list.push_back(std::move(rule));
  }
}

}  // namespace kpp::proxy::testing
