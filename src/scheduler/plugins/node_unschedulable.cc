#include "api/node_match.h"
#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

namespace {

class NodeUnschedulable final : public NodeFilterPlugin {
 public:
  std::string_view name() const override { return "NodeUnschedulable"; }
  std::uint32_t bit() const override { return kNodeUnschedulableBit; }
  Verdict filter(const PodInfo& pod, const NodeInfo& node) const override {
    if (!node.unschedulable) return {};
    corev1::Taint taint;
    taint.key = "node.kubernetes.io/unschedulable";
    taint.effect = "NoSchedule";
    if (api::any_tolerates(pod.pod->spec.tolerations, taint)) return {};
    return Verdict::never("node(s) were unschedulable");
  }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_node_unschedulable() {
  return std::make_unique<NodeUnschedulable>();
}

}  // namespace kpp::scheduler
