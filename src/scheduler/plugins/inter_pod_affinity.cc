#include <algorithm>

#include "scheduler/plugins/plugin.h"
#include "scheduler/plugins/topology.h"

namespace kpp::scheduler {

namespace {

constexpr std::int64_t kHardAffinityWeight = 1;

class AffinityFilter final : public PodFilter {
 public:
  AffinityFilter(const PodInfo& pod, const Cache& cache)
      : pod_(&pod), namespaces_(cache.namespace_labels()) {
    const auto& own = pod.affinity;
    const bool looks_at_all = !own.required.empty() || !own.required_anti.empty();
    for (const NodeInfo* node : cache.nodes()) {
      if (!looks_at_all && node->with_required_anti == 0) continue;
      for (const auto& other : node->pods) {
        if (looks_at_all || !other->affinity.required_anti.empty()) count(*other, *node, 1);
      }
    }
  }

  bool has_nothing_to_say() const {
    return pod_->affinity.required.empty() && pod_->affinity.required_anti.empty() &&
           anti_of_others_.empty();
  }
  std::unique_ptr<PodFilter> clone() const override {
    return std::make_unique<AffinityFilter>(*this);
  }
  void placed(const PodInfo& other, const NodeInfo& node) override { count(other, node, 1); }
  void removed(const PodInfo& other, const NodeInfo& node) override { count(other, node, -1); }

  Verdict filter(const NodeInfo& info) const override {
    const corev1::Node& node = *info.node;
    if (!satisfies_affinity(node)) return Verdict::never("node(s) didn't match pod affinity rules");
    const auto& anti = pod_->affinity.required_anti;
    const bool apart = std::none_of(anti.begin(), anti.end(), [&](const AffinityTerm& term) {
      return anti_.at(node, term.topology_key) > 0;
    });
    if (!apart) return Verdict::no("node(s) didn't match pod anti-affinity rules");
    for (const auto& [pair, number] : anti_of_others_.all()) {
      const std::string* value = topology_value(node, pair.first);
      if (value != nullptr && *value == pair.second && number > 0)
        return Verdict::no("node(s) didn't satisfy existing pods anti-affinity rules");
    }
    return {};
  }

 private:
  bool all_match(const corev1::Pod& other) const {
    const auto& terms = pod_->affinity.required;
    return std::all_of(terms.begin(), terms.end(),
                       [&](const AffinityTerm& term) { return term.matches(other, namespaces_); });
  }

  void count(const PodInfo& other, const NodeInfo& info, std::int64_t by) {
    const corev1::Node& node = *info.node;
    for (const auto& term : other.affinity.required_anti) {
      if (term.matches(*pod_->pod, namespaces_)) anti_of_others_.add(node, term.topology_key, by);
    }
    if (!pod_->affinity.required.empty() && all_match(*other.pod)) {
      for (const auto& term : pod_->affinity.required) with_.add(node, term.topology_key, by);
    }
    for (const auto& term : pod_->affinity.required_anti) {
      if (term.matches(*other.pod, namespaces_)) anti_.add(node, term.topology_key, by);
    }
  }

  bool satisfies_affinity(const corev1::Node& node) const {
    bool beside = true;
    for (const auto& term : pod_->affinity.required) {
      if (topology_value(node, term.topology_key) == nullptr) return false;
      if (with_.at(node, term.topology_key) <= 0) beside = false;
    }
    // The first of a group that wants to stand together may stand anywhere.
    return beside || (with_.empty() && all_match(*pod_->pod));
  }

  const PodInfo* pod_;
  NamespaceLabels namespaces_;
  TopologyCounts with_, anti_, anti_of_others_;
};

class InterPodAffinity final : public FilterPlugin {
 public:
  std::string_view name() const override { return "InterPodAffinity"; }
  std::uint32_t bit() const override { return kInterPodAffinityBit; }
  Prepared prepare(const PodInfo& pod, const Cache& cache) const override {
    if (pod.affinity.required.empty() && pod.affinity.required_anti.empty() &&
        cache.pods_with_required_anti() == 0) {
      return {};
    }
    auto filter = std::make_unique<AffinityFilter>(pod, cache);
    if (filter->has_nothing_to_say()) return {};
    return {{}, std::move(filter)};
  }
};

class AffinityScore final : public PodScore {
 public:
  AffinityScore(const PodInfo& pod, const Cache& cache) : namespaces_(cache.namespace_labels()) {
    const bool own = !pod.affinity.preferred.empty() || !pod.affinity.preferred_anti.empty();
    for (const NodeInfo* node : cache.nodes()) {
      if (!own && node->with_affinity == 0) continue;
      for (const auto& other : node->pods) add(pod, *other, *node->node);
    }
  }
  bool empty() const { return weights_.empty(); }
  std::int64_t score(const NodeInfo& info) const override {
    std::int64_t total = 0;
    for (const auto& [pair, weight] : weights_.all()) {
      const std::string* value = topology_value(*info.node, pair.first);
      if (value != nullptr && *value == pair.second) total += weight;
    }
    return total;
  }
  void normalize(std::vector<std::int64_t>& scores,
                 const std::vector<const NodeInfo*>& /*nodes*/) const override {
    const auto [low, high] = std::minmax_element(scores.begin(), scores.end());
    const std::int64_t least = *low;
    const std::int64_t range = *high - least;
    for (auto& score : scores) score = range == 0 ? 0 : kMaxNodeScore * (score - least) / range;
  }

 private:
  void add(const std::vector<AffinityTerm>& terms, const corev1::Pod& meant,
           const corev1::Node& node, std::int64_t sign) {
    for (const auto& term : terms) {
      if (term.matches(meant, namespaces_))
        weights_.add(node, term.topology_key, sign * term.weight);
    }
  }
  void add(const PodInfo& pod, const PodInfo& other, const corev1::Node& node) {
    add(pod.affinity.preferred, *other.pod, node, 1);
    add(pod.affinity.preferred_anti, *other.pod, node, -1);
    add(other.affinity.required, *pod.pod, node, kHardAffinityWeight);
    add(other.affinity.preferred, *pod.pod, node, 1);
    add(other.affinity.preferred_anti, *pod.pod, node, -1);
  }

  NamespaceLabels namespaces_;
  TopologyCounts weights_;
};

class InterPodAffinityScore final : public ScorePlugin {
 public:
  std::string_view name() const override { return "InterPodAffinity"; }
  std::int64_t weight() const override { return 2; }
  std::unique_ptr<PodScore> prepare(
      const PodInfo& pod, const Cache& cache,
      const std::vector<const NodeInfo*>& /*fitting*/) const override {
    const bool own = !pod.affinity.preferred.empty() || !pod.affinity.preferred_anti.empty();
    if (!own && cache.pods_with_affinity() == 0) return nullptr;
    auto out = std::make_unique<AffinityScore>(pod, cache);
    if (out->empty()) return nullptr;
    return out;
  }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_inter_pod_affinity() {
  return std::make_unique<InterPodAffinity>();
}
std::unique_ptr<ScorePlugin> make_inter_pod_affinity_score() {
  return std::make_unique<InterPodAffinityScore>();
}

}  // namespace kpp::scheduler
