#include "scheduler/plugins/spread_constraint.h"

#include <algorithm>

#include "api/node_match.h"

namespace kpp::scheduler {

bool SpreadConstraint::counts_node(const corev1::Pod& pod, const corev1::Node& node) const {
  if (honors_affinity && !api::fits_required_affinity(pod.spec, node)) return false;
  if (!honors_taints) return true;
  return std::all_of(node.spec.taints.begin(), node.spec.taints.end(),
                     [&](const corev1::Taint& taint) {
                       return (taint.effect != "NoSchedule" && taint.effect != "NoExecute") ||
                              api::any_tolerates(pod.spec.tolerations, taint);
                     });
}

std::int64_t SpreadConstraint::count_pods(const corev1::Pod& pod, const NodeInfo& node) const {
  if (selector.empty()) return 0;
  return std::count_if(node.pods.begin(), node.pods.end(), [&](const PodInfoRef& other) {
    const auto& meta = other->pod->metadata;
    return meta.namespace_ == pod.metadata.namespace_ && !meta.deletion_timestamp &&
           selector.matches(meta.labels);
  });
}

std::vector<SpreadConstraint> spread_constraints(const corev1::Pod& pod, std::string_view when) {
  std::vector<SpreadConstraint> out;
  for (const auto& given : pod.spec.topology_spread_constraints) {
    if (given.when_unsatisfiable != when) continue;
    auto& constraint = out.emplace_back();
    constraint.max_skew = given.max_skew;
    constraint.min_domains = given.min_domains.value_or(1);
    constraint.topology_key = given.topology_key;
    constraint.honors_affinity = given.node_affinity_policy.value_or("Honor") == "Honor";
    constraint.honors_taints = given.node_taints_policy.value_or("Ignore") == "Honor";
    auto selector = api::LabelSelector::from(given.label_selector);
    constraint.selector = selector ? std::move(*selector) : api::LabelSelector::nothing();
  }
  return out;
}

bool has_all_keys(const std::vector<SpreadConstraint>& constraints, const corev1::Node& node) {
  return std::all_of(constraints.begin(), constraints.end(), [&](const SpreadConstraint& c) {
    return node.metadata.labels.contains(c.topology_key);
  });
}

}  // namespace kpp::scheduler
