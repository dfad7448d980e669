#include <algorithm>
#include <charconv>

#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

namespace {

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

bool matches(const corev1::NodeSelectorRequirement& wants, const std::string* value) {
  const auto listed = [&] {
    return value != nullptr &&
           std::find(wants.values.begin(), wants.values.end(), *value) != wants.values.end();
  };
  if (wants.operator_ == "In") return listed();
  if (wants.operator_ == "NotIn") return !listed();
  if (wants.operator_ == "Exists") return value != nullptr;
  if (wants.operator_ == "DoesNotExist") return value == nullptr;
  if (value == nullptr || wants.values.size() != 1) return false;
  const auto has = number(*value);
  const auto limit = number(wants.values.front());
  if (!has || !limit) return false;
  if (wants.operator_ == "Gt") return *has > *limit;
  if (wants.operator_ == "Lt") return *has < *limit;
  return false;
}

// A term without requirements matches nothing.
bool matches(const corev1::NodeSelectorTerm& term, const corev1::Node& node) {
  if (term.match_expressions.empty() && term.match_fields.empty()) return false;
  for (const auto& wants : term.match_expressions) {
    const auto label = node.metadata.labels.find(wants.key);
    if (!matches(wants, label == node.metadata.labels.end() ? nullptr : &label->second))
      return false;
  }
  for (const auto& wants : term.match_fields) {
    if (wants.key != "metadata.name" || !matches(wants, &node.metadata.name)) return false;
  }
  return true;
}

const corev1::NodeAffinity* affinity_of(const corev1::Pod& pod) {
  return pod.spec.affinity ? pod.spec.affinity->node_affinity.get() : nullptr;
}

class NodeAffinity final : public FilterPlugin {
 public:
  std::string_view name() const override { return "NodeAffinity"; }
  std::uint32_t bit() const override { return kNodeAffinityBit; }

  // Pods of a DaemonSet name their node in each term.
  std::optional<std::set<std::string>> only_nodes(const PodInfo& pod) const override {
    const auto* affinity = affinity_of(*pod.pod);
    if (affinity == nullptr || !affinity->required_during_scheduling_ignored_during_execution)
      return std::nullopt;
    std::set<std::string> out;
    const auto& terms =
        affinity->required_during_scheduling_ignored_during_execution->node_selector_terms;
    for (const auto& term : terms) {
      bool named = false;
      for (const auto& wants : term.match_fields) {
        if (wants.key != "metadata.name" || wants.operator_ != "In") continue;
        named = true;
        out.insert(wants.values.begin(), wants.values.end());
      }
      if (!named) return std::nullopt;
    }
    if (terms.empty()) return std::nullopt;
    return out;
  }

  bool applies(const PodInfo& pod) const override {
    const auto* affinity = affinity_of(*pod.pod);
    return !pod.pod->spec.node_selector.empty() ||
           (affinity != nullptr && affinity->required_during_scheduling_ignored_during_execution);
  }
  Verdict filter(const PodInfo& pod, const NodeInfo& node) const override {
    if (fits(*pod.pod, *node.node)) return {};
    return Verdict::never("node(s) didn't match Pod's node affinity/selector");
  }

 private:
  static bool fits(const corev1::Pod& pod, const corev1::Node& node) {
    for (const auto& [key, value] : pod.spec.node_selector) {
      const auto label = node.metadata.labels.find(key);
      if (label == node.metadata.labels.end() || label->second != value) return false;
    }
    const auto* affinity = affinity_of(pod);
    if (affinity == nullptr || !affinity->required_during_scheduling_ignored_during_execution)
      return true;
    const auto& terms =
        affinity->required_during_scheduling_ignored_during_execution->node_selector_terms;
    return std::any_of(terms.begin(), terms.end(),
                       [&](const auto& term) { return matches(term, node); });
  }
};

class NodeAffinityScore final : public ScorePlugin {
 public:
  std::string_view name() const override { return "NodeAffinity"; }
  std::int64_t weight() const override { return 2; }
  bool applies(const PodInfo& pod) const override {
    const auto* affinity = affinity_of(*pod.pod);
    return affinity != nullptr &&
           !affinity->preferred_during_scheduling_ignored_during_execution.empty();
  }
  std::int64_t score(const PodInfo& pod, const NodeInfo& node) const override {
    std::int64_t total = 0;
    for (const auto& term :
         affinity_of(*pod.pod)->preferred_during_scheduling_ignored_during_execution) {
      const bool empty =
          term.preference.match_expressions.empty() && term.preference.match_fields.empty();
      if (empty || matches(term.preference, *node.node)) total += term.weight;
    }
    return total;
  }
  void normalize(std::vector<std::int64_t>& scores) const override { scale_scores(scores, false); }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_node_affinity() { return std::make_unique<NodeAffinity>(); }
std::unique_ptr<ScorePlugin> make_node_affinity_score() {
  return std::make_unique<NodeAffinityScore>();
}

}  // namespace kpp::scheduler
