#include <algorithm>
#include <cmath>
#include <limits>

#include "scheduler/plugins/plugin.h"
#include "scheduler/plugins/spread_constraint.h"
#include "scheduler/plugins/topology.h"

namespace kpp::scheduler {

namespace {

constexpr const char* kHostname = "kubernetes.io/hostname";

// Pods of a constraint by the value of its key.
using Domains = std::map<std::string, std::int64_t>;

class SpreadFilter final : public PodFilter {
 public:
  SpreadFilter(const PodInfo& pod, std::vector<SpreadConstraint> constraints, const Cache& cache)
      : pod_(&pod), constraints_(std::move(constraints)), domains_(constraints_.size()) {
    for (const NodeInfo* info : cache.nodes()) {
      const corev1::Node& node = *info->node;
      if (!has_all_keys(constraints_, node)) continue;
      for (std::size_t i = 0; i < constraints_.size(); ++i) {
        const auto& constraint = constraints_[i];
        if (!constraint.counts_node(*pod.pod, node)) continue;
        domains_[i][node.metadata.labels.at(constraint.topology_key)] +=
            constraint.count_pods(*pod.pod, *info);
      }
    }
  }

  std::unique_ptr<PodFilter> clone() const override {
    return std::make_unique<SpreadFilter>(*this);
  }
  void placed(const PodInfo& other, const NodeInfo& node) override { count(other, node, 1); }
  void removed(const PodInfo& other, const NodeInfo& node) override { count(other, node, -1); }

  Verdict filter(const NodeInfo& info) const override {
    for (std::size_t i = 0; i < constraints_.size(); ++i) {
      const auto& constraint = constraints_[i];
      const std::string* value = topology_value(*info.node, constraint.topology_key);
      if (value == nullptr) {
        return Verdict::never(
            "node(s) didn't match pod topology spread constraints (missing required label)");
      }
      const auto found = domains_[i].find(*value);
      const std::int64_t there = found == domains_[i].end() ? 0 : found->second;
      const bool counts_itself = constraint.selector.matches(pod_->pod->metadata.labels);
      const std::int64_t skew = there + (counts_itself ? 1 : 0) - fewest(i);
      if (skew > constraint.max_skew)
        return Verdict::no("node(s) didn't match pod topology spread constraints");
    }
    return {};
  }

 private:
  std::int64_t fewest(std::size_t constraint) const {
    const Domains& domains = domains_[constraint];
    if (static_cast<std::int64_t>(domains.size()) < constraints_[constraint].min_domains) return 0;
    std::int64_t least = std::numeric_limits<std::int32_t>::max();
    for (const auto& [value, pods] : domains) least = std::min(least, pods);
    return least;
  }
  void count(const PodInfo& other, const NodeInfo& info, std::int64_t by) {
    const auto& meta = other.pod->metadata;
    if (meta.namespace_ != pod_->pod->metadata.namespace_ || meta.deletion_timestamp) return;
    if (!has_all_keys(constraints_, *info.node)) return;
    for (std::size_t i = 0; i < constraints_.size(); ++i) {
      const auto& constraint = constraints_[i];
      if (!constraint.selector.matches(meta.labels) ||
          !constraint.counts_node(*pod_->pod, *info.node)) {
        continue;
      }
      domains_[i][info.node->metadata.labels.at(constraint.topology_key)] += by;
    }
  }

  const PodInfo* pod_;
  std::vector<SpreadConstraint> constraints_;
  std::vector<Domains> domains_;  // by constraint
};

class PodTopologySpread final : public FilterPlugin {
 public:
  std::string_view name() const override { return "PodTopologySpread"; }
  std::uint32_t bit() const override { return kPodTopologySpreadBit; }
  Prepared prepare(const PodInfo& pod, const Cache& cache) const override {
    auto constraints = spread_constraints(*pod.pod, "DoNotSchedule");
    if (constraints.empty()) return {};
    return {{}, std::make_unique<SpreadFilter>(pod, std::move(constraints), cache)};
  }
};

class SpreadScore final : public PodScore {
 public:
  SpreadScore(const PodInfo& pod, std::vector<SpreadConstraint> constraints, bool needs_all_keys,
              const Cache& cache, const std::vector<const NodeInfo*>& fitting)
      : pod_(&pod),
        constraints_(std::move(constraints)),
        needs_all_keys_(needs_all_keys),
        domains_(constraints_.size()) {
    std::size_t scored = 0;
    for (const NodeInfo* info : fitting) {
      if (is_ignored(*info->node)) continue;
      ++scored;
      for (std::size_t i = 0; i < constraints_.size(); ++i) {
        const std::string* value = topology_value(*info->node, constraints_[i].topology_key);
        if (value != nullptr && constraints_[i].topology_key != kHostname) domains_[i][*value];
      }
    }
    for (std::size_t i = 0; i < constraints_.size(); ++i) {
      const std::size_t size =
          constraints_[i].topology_key == kHostname ? scored : domains_[i].size();
      // The more values there are, the fewer pods a value has: made up for.
      weights_.push_back(std::log(static_cast<double>(size + 2)));
    }
    for (const NodeInfo* info : cache.nodes()) add(*info);
  }

  std::int64_t score(const NodeInfo& info) const override {
    if (is_ignored(*info.node)) return 0;
    double total = 0;
    for (std::size_t i = 0; i < constraints_.size(); ++i) {
      const auto& constraint = constraints_[i];
      const std::string* value = topology_value(*info.node, constraint.topology_key);
      if (value == nullptr) continue;
      std::int64_t pods = 0;
      if (constraint.topology_key == kHostname) {
        pods = constraint.count_pods(*pod_->pod, info);
      } else if (const auto found = domains_[i].find(*value); found != domains_[i].end()) {
        pods = found->second;
      }
      total +=
          static_cast<double>(pods) * weights_[i] + static_cast<double>(constraint.max_skew - 1);
    }
    return std::llround(total);
  }

  void normalize(std::vector<std::int64_t>& scores,
                 const std::vector<const NodeInfo*>& nodes) const override {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    std::int64_t most = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (is_ignored(*nodes[i]->node)) continue;
      least = std::min(least, scores[i]);
      most = std::max(most, scores[i]);
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (is_ignored(*nodes[i]->node)) {
        scores[i] = 0;
      } else {
        scores[i] = most == 0 ? kMaxNodeScore : kMaxNodeScore * (most + least - scores[i]) / most;
      }
    }
  }

 private:
  bool is_ignored(const corev1::Node& node) const {
    return needs_all_keys_ && !has_all_keys(constraints_, node);
  }
  void add(const NodeInfo& info) {
    if (is_ignored(*info.node)) return;
    for (std::size_t i = 0; i < constraints_.size(); ++i) {
      const auto& constraint = constraints_[i];
      const std::string* value = topology_value(*info.node, constraint.topology_key);
      if (value == nullptr || constraint.topology_key == kHostname) continue;
      const auto domain = domains_[i].find(*value);
      if (domain == domains_[i].end() || !constraint.counts_node(*pod_->pod, *info.node)) continue;
      domain->second += constraint.count_pods(*pod_->pod, info);
    }
  }

  const PodInfo* pod_;
  std::vector<SpreadConstraint> constraints_;
  bool needs_all_keys_;
  std::vector<Domains> domains_;
  std::vector<double> weights_;
};

// Without constraints of its own a pod is spread over nodes, and less so over zones, beside the
// others of its service or owner.
std::vector<SpreadConstraint> constraints_by_default(const corev1::Pod& pod, const Cache& cache) {
  const api::LabelSelector selector = cache.groups().selector_of(pod);
  if (selector.empty()) return {};
  SpreadConstraint nodes;
  nodes.max_skew = 3;
  nodes.topology_key = kHostname;
  nodes.selector = selector;
  SpreadConstraint zones = nodes;
  zones.max_skew = 5;
  zones.topology_key = "topology.kubernetes.io/zone";
  return {nodes, zones};
}

class PodTopologySpreadScore final : public ScorePlugin {
 public:
  std::string_view name() const override { return "PodTopologySpread"; }
  std::int64_t weight() const override { return 2; }
  std::unique_ptr<PodScore> prepare(const PodInfo& pod, const Cache& cache,
                                    const std::vector<const NodeInfo*>& fitting) const override {
    const bool own = !pod.pod->spec.topology_spread_constraints.empty();
    auto constraints = own ? spread_constraints(*pod.pod, "ScheduleAnyway")
                           : constraints_by_default(*pod.pod, cache);
    if (constraints.empty()) return nullptr;
    return std::make_unique<SpreadScore>(pod, std::move(constraints), own, cache, fitting);
  }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_pod_topology_spread() {
  return std::make_unique<PodTopologySpread>();
}
std::unique_ptr<ScorePlugin> make_pod_topology_spread_score() {
  return std::make_unique<PodTopologySpreadScore>();
}

}  // namespace kpp::scheduler
