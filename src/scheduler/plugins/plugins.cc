#include <algorithm>

#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {
namespace {

class NodeByNode final : public PodFilter {
 public:
  NodeByNode(const NodeFilterPlugin& plugin, const PodInfo& pod) : plugin_(&plugin), pod_(&pod) {}
  Verdict filter(const NodeInfo& node) const override { return plugin_->filter(*pod_, node); }
  std::unique_ptr<PodFilter> clone() const override { return std::make_unique<NodeByNode>(*this); }

 private:
  const NodeFilterPlugin* plugin_;
  const PodInfo* pod_;
};

}  // namespace

std::optional<std::set<std::string>> FilterPlugin::only_nodes(const PodInfo& /*pod*/) const {
  return std::nullopt;
}
bool NodeFilterPlugin::applies(const PodInfo& /*pod*/) const { return true; }
Prepared NodeFilterPlugin::prepare(const PodInfo& pod, const Cache& /*cache*/) const {
  if (!applies(pod)) return {};
  return {{}, std::make_unique<NodeByNode>(*this, pod)};
}
std::unique_ptr<PodScore> ScorePlugin::prepare(
    const PodInfo& /*pod*/, const Cache& /*cache*/,
    const std::vector<const NodeInfo*>& /*fitting*/) const {
  return nullptr;
}
std::int64_t ScorePlugin::score(const PodInfo& /*pod*/, const NodeInfo& /*node*/) const {
  return 0;
}
bool ScorePlugin::applies(const PodInfo& /*pod*/) const { return true; }
void ScorePlugin::normalize(std::vector<std::int64_t>& /*scores*/) const {}

void scale_scores(std::vector<std::int64_t>& scores, bool reverse) {
  const auto highest = std::max_element(scores.begin(), scores.end());
  if (highest == scores.end()) return;
  const std::int64_t top = *highest;
  for (auto& score : scores) {
    if (top == 0) {
      score = reverse ? kMaxNodeScore : 0;
    } else {
      score = kMaxNodeScore * score / top;
      if (reverse) score = kMaxNodeScore - score;
    }
  }
}

std::vector<std::unique_ptr<FilterPlugin>> default_filters() {
  std::vector<std::unique_ptr<FilterPlugin>> out;
  out.push_back(make_node_unschedulable());
  out.push_back(make_node_name());
  out.push_back(make_taint_toleration());
  out.push_back(make_node_affinity());
  out.push_back(make_node_ports());
  out.push_back(make_node_resources_fit());
  out.push_back(make_volume_restrictions());
  out.push_back(make_node_volume_limits());
  out.push_back(make_volume_binding());
  out.push_back(make_volume_zone());
  out.push_back(make_pod_topology_spread());
  out.push_back(make_inter_pod_affinity());
  return out;
}

std::vector<std::unique_ptr<ScorePlugin>> default_scores() {
  std::vector<std::unique_ptr<ScorePlugin>> out;
  out.push_back(make_taint_toleration_score());
  out.push_back(make_node_affinity_score());
  out.push_back(make_least_allocated());
  out.push_back(make_pod_topology_spread_score());
  out.push_back(make_inter_pod_affinity_score());
  out.push_back(make_balanced_allocation());
  out.push_back(make_image_locality());
  return out;
}

}  // namespace kpp::scheduler
