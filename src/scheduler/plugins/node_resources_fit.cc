#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

namespace {

class NodeResourcesFit final : public NodeFilterPlugin {
 public:
  std::string_view name() const override { return "NodeResourcesFit"; }
  std::uint32_t bit() const override { return kNodeResourcesFitBit; }

  Verdict filter(const PodInfo& pod, const NodeInfo& node) const override {
    Verdict out;
    if (static_cast<std::int64_t>(node.pods.size()) + 1 > node.allowed_pods)
      refuse(out, "Too many pods", false);
    const auto& wants = pod.requests;
    const auto& all = node.allocatable;
    const auto& taken = node.requested;
    check(out, "cpu", wants.milli_cpu, all.milli_cpu, taken.milli_cpu);
    check(out, "memory", wants.memory, all.memory, taken.memory);
    check(out, "ephemeral-storage", wants.ephemeral_storage, all.ephemeral_storage,
          taken.ephemeral_storage);
    for (const auto& [resource, amount] : wants.others) {
      check(out, resource, amount, find(all.others, resource), find(taken.others, resource));
    }
    return out;
  }

 private:
  static std::int64_t find(const std::map<std::string, std::int64_t>& list,
                           const std::string& name) {
    const auto found = list.find(name);
    return found == list.end() ? 0 : found->second;
  }
  static void refuse(Verdict& out, std::string reason, bool never) {
    if (never) {
      out.kind = Verdict::Kind::kNeverHere;
    } else if (out.fits()) {
      out.kind = Verdict::Kind::kNo;
    }
    out.reasons.push_back(std::move(reason));
  }
  static void check(Verdict& out, std::string_view resource, std::int64_t wants, std::int64_t all,
                    std::int64_t taken) {
    if (wants <= 0 || wants <= all - taken) return;
    refuse(out, cat("Insufficient ", resource), wants > all);
  }
};

std::int64_t free_share(std::int64_t wants, std::int64_t all) {
  return wants > all ? 0 : (all - wants) * kMaxNodeScore / all;
}

// Prefers nodes of which much is free once the pod stands there.
class LeastAllocated final : public ScorePlugin {
 public:
  std::string_view name() const override { return "NodeResourcesFit"; }
  std::int64_t weight() const override { return 1; }
  std::int64_t score(const PodInfo& pod, const NodeInfo& node) const override {
    std::int64_t sum = 0;
    std::int64_t weights = 0;
    const auto& all = node.allocatable;
    if (all.milli_cpu != 0) {
      sum +=
          free_share(node.score_requested.milli_cpu + pod.score_requests.milli_cpu, all.milli_cpu);
      ++weights;
    }
    if (all.memory != 0) {
      sum += free_share(node.score_requested.memory + pod.score_requests.memory, all.memory);
      ++weights;
    }
    return weights == 0 ? 0 : sum / weights;
  }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_node_resources_fit() {
  return std::make_unique<NodeResourcesFit>();
}
std::unique_ptr<ScorePlugin> make_least_allocated() { return std::make_unique<LeastAllocated>(); }

}  // namespace kpp::scheduler
