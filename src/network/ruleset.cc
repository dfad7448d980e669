#include "network/ruleset.h"

#include "base/cat.h"

namespace kpp::network {
namespace {

// The lines of one transaction. A line names only what earlier lines or the kernel know.
class Script {
 public:
  template <class... Parts>
  void line(std::string_view verb, std::string_view kind, std::string_view name,
            const Parts&... rest) {
    text_ += cat(verb, " ", kind, " ", kTableFamily, " ", kTableName, " ", name, rest..., "\n");
  }
  void table(std::string_view verb) {
    text_ += cat(verb, " table ", kTableFamily, " ", kTableName, "\n");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

const char* kind_of(const RuleSet& set) { return set.verdicts ? "map" : "set"; }

void declare(Script& script, const std::string& name, const RuleSet& set) {
  script.line("add", kind_of(set), name, " { type ", set.type, set.verdicts ? " : verdict" : "",
              ";", set.intervals ? " flags interval;" : "", " }");
}

void declare(Script& script, const std::string& name, const RuleChain& chain) {
  if (chain.hook.empty()) {
    script.line("add", "chain", name);
  } else {
    script.line("add", "chain", name, " { ", chain.hook, " }");
  }
}

// Elements of `set` that `other` does not have just so.
std::string elements_beside(const RuleSet& set, const RuleSet& other) {
  std::string out;
  for (const auto& [key, verdict] : set.elements) {
    const auto same = other.elements.find(key);
    if (same != other.elements.end() && same->second == verdict) continue;
    out += cat(out.empty() ? " { " : ", ", key);
    if (set.verdicts) out += cat(" : ", verdict);
  }
  return out.empty() ? out : cat(out, " }");
}

void add_rules(Script& script, const std::string& name, const RuleChain& chain) {
  for (const std::string& rule : chain.rules) script.line("add", "rule", name, " ", rule);
}

template <class T>
const T& at_or_empty(const std::map<std::string, T>& all, const std::string& name) {
  static const T kEmpty;
  const auto it = all.find(name);
  return it == all.end() ? kEmpty : it->second;
}

// A set or chain of another kind cannot become the wanted one: the table is made anew.
bool convertible(const Ruleset& before, const Ruleset& after) {
  for (const auto& [name, set] : after.sets) {
    const auto old = before.sets.find(name);
    if (old != before.sets.end() &&
        (old->second.type != set.type || old->second.intervals != set.intervals ||
         old->second.verdicts != set.verdicts)) {
      return false;
    }
  }
  for (const auto& [name, chain] : after.chains) {
    const auto old = before.chains.find(name);
    if (old != before.chains.end() && old->second.hook != chain.hook) return false;
  }
  return true;
}

void change_elements(Script& script, const Ruleset& before, const Ruleset& after, bool removing) {
  for (const auto& [name, set] : after.sets) {
    const RuleSet& old = at_or_empty(before.sets, name);
    if (set.intervals) {
      if (old.elements == set.elements) continue;
      if (removing && !old.elements.empty()) script.line("flush", "set", name);
      const std::string all = elements_beside(set, {});
      if (!removing && !all.empty()) script.line("add", "element", name, all);
      continue;
    }
    const std::string part = removing ? elements_beside(old, set) : elements_beside(set, old);
    if (!part.empty()) script.line(removing ? "delete" : "add", "element", name, part);
  }
}

}  // namespace

std::string whole_table(const Ruleset& wanted) {
  Script script;
  // Deleting asks for a table that is there.
  script.table("add");
  script.table("delete");
  script.table("add");
  return cat(script.take(), table_changes({}, wanted));
}

std::string table_changes(const Ruleset& before, const Ruleset& after) {
  if (!convertible(before, after)) return whole_table(after);
  Script script;
  for (const auto& [name, set] : after.sets) {
    if (!before.sets.contains(name)) declare(script, name, set);
  }
  for (const auto& [name, chain] : after.chains) {
    if (!before.chains.contains(name)) declare(script, name, chain);
  }
  for (const auto& [name, chain] : before.chains) {
    const auto now = after.chains.find(name);
    if (now == after.chains.end() || now->second.rules != chain.rules)
      script.line("flush", "chain", name);
  }
  change_elements(script, before, after, true);
  change_elements(script, before, after, false);
  for (const auto& [name, chain] : after.chains) {
    const auto old = before.chains.find(name);
    if (old == before.chains.end() || old->second.rules != chain.rules)
      add_rules(script, name, chain);
  }
  // Maps go before the chains that they lead to.
  for (const auto& [name, set] : before.sets) {
    if (!after.sets.contains(name)) script.line("delete", kind_of(set), name);
  }
  for (const auto& [name, chain] : before.chains) {
    if (!after.chains.contains(name)) script.line("delete", "chain", name);
  }
  return script.take();
}

}  // namespace kpp::network
