// A pod's wish to be spread evenly over the values of a node label.
#pragma once

#include <string>
#include <vector>

#include "api/selectors.h"
#include "scheduler/cache.h"

namespace kpp::scheduler {

struct SpreadConstraint {
  std::int32_t max_skew = 1;
  std::int32_t min_domains = 1;
  std::string topology_key;
  api::LabelSelector selector;
  bool honors_affinity = true;  // nodes that the pod's affinity excludes do not count
  bool honors_taints = false;   // nor those whose taints it does not tolerate

  bool counts_node(const corev1::Pod& pod, const corev1::Node& node) const;
  // Pods of the pod's namespace that the selector means and that are not on their way out.
  std::int64_t count_pods(const corev1::Pod& pod, const NodeInfo& node) const;
};

// Those with this value of whenUnsatisfiable.
std::vector<SpreadConstraint> spread_constraints(const corev1::Pod& pod, std::string_view when);

// The node has all the keys.
bool has_all_keys(const std::vector<SpreadConstraint>& constraints, const corev1::Node& node);

}  // namespace kpp::scheduler
