#include "api/node_match.h"
#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

namespace {

const corev1::NodeAffinity* affinity_of(const corev1::Pod& pod) {
  return pod.spec.affinity ? pod.spec.affinity->node_affinity.get() : nullptr;
}

class NodeAffinity final : public NodeFilterPlugin {
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
    if (api::fits_required_affinity(pod.pod->spec, *node.node)) return {};
    return Verdict::never("node(s) didn't match Pod's node affinity/selector");
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
      if (empty || api::matches(term.preference, *node.node)) total += term.weight;
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
