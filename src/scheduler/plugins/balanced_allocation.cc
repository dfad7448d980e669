#include <algorithm>
#include <cmath>

#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

namespace {

double used_share(std::int64_t wants, std::int64_t all) {
  return std::min(1.0, static_cast<double>(wants) / static_cast<double>(all));
}

// Prefers nodes on which CPU and memory are used in like measure once the pod stands there.
class BalancedAllocation final : public ScorePlugin {
 public:
  std::string_view name() const override { return "NodeResourcesBalancedAllocation"; }
  std::int64_t weight() const override { return 1; }
  bool applies(const PodInfo& pod) const override {
    return pod.requests.milli_cpu != 0 || pod.requests.memory != 0;
  }
  std::int64_t score(const PodInfo& pod, const NodeInfo& node) const override {
    const auto& all = node.allocatable;
    if (all.milli_cpu == 0 || all.memory == 0) return kMaxNodeScore;
    const double cpu = used_share(node.requested.milli_cpu + pod.requests.milli_cpu, all.milli_cpu);
    const double memory = used_share(node.requested.memory + pod.requests.memory, all.memory);
    return static_cast<std::int64_t>((1.0 - std::fabs(cpu - memory) / 2.0) *
                                     static_cast<double>(kMaxNodeScore));
  }
};

}  // namespace

std::unique_ptr<ScorePlugin> make_balanced_allocation() {
  return std::make_unique<BalancedAllocation>();
}

}  // namespace kpp::scheduler
