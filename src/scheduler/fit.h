// Whether one pod fits on nodes, as all filters together say.
#pragma once

#include <memory>
#include <vector>

#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

// The filters that have something to say of one pod.
//
// Ownership: the pod, the cache and the plugins must outlive it.
class Fit {
 public:
  using Plugins = std::vector<std::unique_ptr<FilterPlugin>>;

  Fit(const PodInfo& pod, const Cache& cache, const Plugins& plugins);
  Fit(const Fit& other);
  Fit& operator=(const Fit&) = delete;
  ~Fit() = default;

  // No node will do: why and who says so; empty: nodes can be asked about.
  const std::string& refusal() const { return refusal_; }
  std::uint32_t refused_by() const { return refused_by_; }
  // The only nodes that can fit, and the plugin that says so; nullopt: any.
  const std::optional<std::set<std::string>>& only_nodes() const { return only_; }
  std::string_view only_nodes_by() const { return only_by_; }

  // The first refusal. Pods that matter as much and wait for room on the node count as if they
  // stood there. `bit`: of the plugin that refused.
  Verdict check(const NodeInfo& node, std::uint32_t& bit) const;

  // What if: the pod stands on the node, or does not, for the plugins that look beyond the node.
  // The node's own sums are the caller's.
  void placed(const PodInfo& other, const NodeInfo& node);
  void removed(const PodInfo& other, const NodeInfo& node);

  VolumePlan volumes(const NodeInfo& node) const;

 private:
  struct Part {
    std::uint32_t bit;
    std::unique_ptr<PodFilter> filter;
  };
  Verdict ask(const NodeInfo& node, std::uint32_t& bit) const;

  const PodInfo* pod_;
  const Cache* cache_;
  std::vector<Part> parts_;
  std::string refusal_;
  std::uint32_t refused_by_ = 0;
  std::optional<std::set<std::string>> only_;
  std::string_view only_by_;
};

}  // namespace kpp::scheduler
