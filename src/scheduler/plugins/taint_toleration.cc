#include <algorithm>

#include "api/node_match.h"
#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

namespace {

class TaintToleration final : public NodeFilterPlugin {
 public:
  std::string_view name() const override { return "TaintToleration"; }
  std::uint32_t bit() const override { return kTaintTolerationBit; }
  Verdict filter(const PodInfo& pod, const NodeInfo& node) const override {
    if (!node.tainted) return {};
    for (const auto& taint : node.node->spec.taints) {
      if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
      if (!api::any_tolerates(pod.pod->spec.tolerations, taint))
        return Verdict::never("node(s) had untolerated taint(s)");
    }
    return {};
  }
};

// Prefers nodes with few PreferNoSchedule taints that the pod does not tolerate.
class TaintTolerationScore final : public ScorePlugin {
 public:
  std::string_view name() const override { return "TaintToleration"; }
  std::int64_t weight() const override { return 3; }
  std::int64_t score(const PodInfo& pod, const NodeInfo& node) const override {
    if (!node.tainted) return 0;
    const auto& taints = node.node->spec.taints;
    return std::count_if(taints.begin(), taints.end(), [&](const corev1::Taint& taint) {
      return taint.effect == "PreferNoSchedule" &&
             !api::any_tolerates(pod.pod->spec.tolerations, taint);
    });
  }
  void normalize(std::vector<std::int64_t>& scores) const override { scale_scores(scores, true); }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_taint_toleration() {
  return std::make_unique<TaintToleration>();
}
std::unique_ptr<ScorePlugin> make_taint_toleration_score() {
  return std::make_unique<TaintTolerationScore>();
}

}  // namespace kpp::scheduler
