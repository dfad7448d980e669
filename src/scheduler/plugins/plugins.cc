#include <algorithm>

#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

std::optional<std::set<std::string>> FilterPlugin::only_nodes(const PodInfo& /*pod*/) const {
  return std::nullopt;
}
bool FilterPlugin::applies(const PodInfo& /*pod*/) const { return true; }
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
  return out;
}

std::vector<std::unique_ptr<ScorePlugin>> default_scores() {
  std::vector<std::unique_ptr<ScorePlugin>> out;
  out.push_back(make_taint_toleration_score());
  out.push_back(make_node_affinity_score());
  out.push_back(make_least_allocated());
  out.push_back(make_balanced_allocation());
  return out;
}

}  // namespace kpp::scheduler
