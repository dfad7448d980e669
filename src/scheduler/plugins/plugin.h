// What a plugin is. Each stands in a file of its own beside this one; plugins.cc puts them in
// order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/cache.h"

namespace kpp::scheduler {

inline constexpr std::int64_t kMaxNodeScore = 100;

// What a plugin has worked out for one decision about one pod; refers to that pod and to the cache.
class PodFilter {
 public:
  virtual ~PodFilter() = default;
  virtual Verdict filter(const NodeInfo& node) const = 0;
  // Preemption asks what would be if a pod stood on a node, or did not.
  virtual void placed(const PodInfo& /*other*/, const NodeInfo& /*node*/) {}
  virtual void removed(const PodInfo& /*other*/, const NodeInfo& /*node*/) {}
  virtual std::unique_ptr<PodFilter> clone() const = 0;
  // What must be written before the pod may be bound to this node, on which it fits.
  virtual VolumePlan volumes(const NodeInfo& /*node*/) const { return {}; }
};

// What a plugin says before any node is looked at.
struct Prepared {
  std::string refusal;                // no node will do: why
  std::unique_ptr<PodFilter> filter;  // null: the pod has nothing that this plugin looks at
};

// Says whether pods fit on nodes. Stateless, so one object serves all.
class FilterPlugin {
 public:
  virtual ~FilterPlugin() = default;
  virtual std::string_view name() const = 0;
  virtual std::uint32_t bit() const = 0;
  // The only nodes that can fit, where the pod names them; nullopt: any.
  virtual std::optional<std::set<std::string>> only_nodes(const PodInfo& pod) const;
  virtual Prepared prepare(const PodInfo& pod, const Cache& cache) const = 0;
};

// A plugin that looks at nothing but the pod and one node.
class NodeFilterPlugin : public FilterPlugin {
 public:
  // False: the pod has nothing that this plugin looks at; no node is asked about.
  virtual bool applies(const PodInfo& pod) const;
  virtual Verdict filter(const PodInfo& pod, const NodeInfo& node) const = 0;
  Prepared prepare(const PodInfo& pod, const Cache& cache) const final;
};

// Scores of one decision, for plugins that look at more than one node.
class PodScore {
 public:
  virtual ~PodScore() = default;
  virtual std::int64_t score(const NodeInfo& node) const = 0;
  virtual void normalize(std::vector<std::int64_t>& scores,
                         const std::vector<const NodeInfo*>& nodes) const = 0;
};

// Says how well a pod stands on a node that it fits on.
class ScorePlugin {
 public:
  virtual ~ScorePlugin() = default;
  virtual std::string_view name() const = 0;
  virtual std::int64_t weight() const = 0;
  // False: the pod has nothing that this plugin looks at.
  virtual bool applies(const PodInfo& pod) const;
  // Not null: asked instead of score() and normalize(). `fitting` are the nodes that are scored.
  virtual std::unique_ptr<PodScore> prepare(const PodInfo& pod, const Cache& cache,
                                            const std::vector<const NodeInfo*>& fitting) const;
  virtual std::int64_t score(const PodInfo& pod, const NodeInfo& node) const;
  // Brings the scores of all nodes into 0..kMaxNodeScore.
  virtual void normalize(std::vector<std::int64_t>& scores) const;
};

// Scales so that the greatest becomes 100; reversed, the smallest is the best.
void scale_scores(std::vector<std::int64_t>& scores, bool reverse);

std::unique_ptr<FilterPlugin> make_node_unschedulable();
std::unique_ptr<FilterPlugin> make_node_name();
std::unique_ptr<FilterPlugin> make_taint_toleration();
std::unique_ptr<FilterPlugin> make_node_affinity();
std::unique_ptr<FilterPlugin> make_node_ports();
std::unique_ptr<FilterPlugin> make_node_resources_fit();
std::unique_ptr<FilterPlugin> make_volume_restrictions();
std::unique_ptr<FilterPlugin> make_node_volume_limits();
std::unique_ptr<FilterPlugin> make_volume_binding();
std::unique_ptr<FilterPlugin> make_volume_zone();
std::unique_ptr<FilterPlugin> make_pod_topology_spread();
std::unique_ptr<FilterPlugin> make_inter_pod_affinity();

std::unique_ptr<ScorePlugin> make_taint_toleration_score();
std::unique_ptr<ScorePlugin> make_node_affinity_score();
std::unique_ptr<ScorePlugin> make_least_allocated();
std::unique_ptr<ScorePlugin> make_pod_topology_spread_score();
std::unique_ptr<ScorePlugin> make_inter_pod_affinity_score();
std::unique_ptr<ScorePlugin> make_balanced_allocation();
std::unique_ptr<ScorePlugin> make_image_locality();

// In the original's order.
std::vector<std::unique_ptr<FilterPlugin>> default_filters();
std::vector<std::unique_ptr<ScorePlugin>> default_scores();

}  // namespace kpp::scheduler
