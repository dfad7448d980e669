#include <algorithm>
#include <charconv>

#include "scheduler/plugins/plugin.h"
#include "scheduler/plugins/tolerations.h"

namespace kpp::scheduler {

namespace {

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

class TaintToleration final : public FilterPlugin {
 public:
  std::string_view name() const override { return "TaintToleration"; }
  std::uint32_t bit() const override { return kTaintTolerationBit; }
  Verdict filter(const PodInfo& pod, const NodeInfo& node) const override {
    if (!node.tainted) return {};
    for (const auto& taint : node.node->spec.taints) {
      if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
      if (!any_tolerates(pod.pod->spec.tolerations, taint))
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
      return taint.effect == "PreferNoSchedule" && !any_tolerates(pod.pod->spec.tolerations, taint);
    });
  }
  void normalize(std::vector<std::int64_t>& scores) const override { scale_scores(scores, true); }
};

}  // namespace

bool tolerates(const corev1::Toleration& toleration, const corev1::Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.operator_ == "Exists") return true;
  if (toleration.operator_.empty() || toleration.operator_ == "Equal")
    return toleration.value == taint.value;
  const auto ours = number(toleration.value);
  const auto theirs = number(taint.value);
  if (!ours || !theirs) return false;
  if (toleration.operator_ == "Lt") return *theirs < *ours;
  if (toleration.operator_ == "Gt") return *theirs > *ours;
  return false;
}

bool any_tolerates(const std::vector<corev1::Toleration>& tolerations, const corev1::Taint& taint) {
  return std::any_of(
      tolerations.begin(), tolerations.end(),
      [&](const corev1::Toleration& toleration) { return tolerates(toleration, taint); });
}

std::unique_ptr<FilterPlugin> make_taint_toleration() {
  return std::make_unique<TaintToleration>();
}
std::unique_ptr<ScorePlugin> make_taint_toleration_score() {
  return std::make_unique<TaintTolerationScore>();
}

}  // namespace kpp::scheduler
