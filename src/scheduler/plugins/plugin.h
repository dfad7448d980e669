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

#include "scheduler/types.h"

namespace kpp::scheduler {

inline constexpr std::int64_t kMaxNodeScore = 100;

// Says whether a pod fits on a node. Stateless, so one object serves all.
class FilterPlugin {
 public:
  virtual ~FilterPlugin() = default;
  virtual std::string_view name() const = 0;
  virtual std::uint32_t bit() const = 0;
  // False: the pod has nothing that this plugin looks at; no node is asked about.
  virtual bool applies(const PodInfo& pod) const;
  // The only nodes that can fit, where the pod names them; nullopt: any.
  virtual std::optional<std::set<std::string>> only_nodes(const PodInfo& pod) const;
  virtual Verdict filter(const PodInfo& pod, const NodeInfo& node) const = 0;
};

// Says how well a pod stands on a node that it fits on.
class ScorePlugin {
 public:
  virtual ~ScorePlugin() = default;
  virtual std::string_view name() const = 0;
  virtual std::int64_t weight() const = 0;
  // False: the pod has nothing that this plugin looks at.
  virtual bool applies(const PodInfo& pod) const;
  virtual std::int64_t score(const PodInfo& pod, const NodeInfo& node) const = 0;
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

std::unique_ptr<ScorePlugin> make_taint_toleration_score();
std::unique_ptr<ScorePlugin> make_node_affinity_score();
std::unique_ptr<ScorePlugin> make_least_allocated();
std::unique_ptr<ScorePlugin> make_balanced_allocation();

// In the original's order.
std::vector<std::unique_ptr<FilterPlugin>> default_filters();
std::vector<std::unique_ptr<ScorePlugin>> default_scores();

}  // namespace kpp::scheduler
