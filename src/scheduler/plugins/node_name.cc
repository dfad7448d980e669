#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

namespace {

class NodeName final : public NodeFilterPlugin {
 public:
  std::string_view name() const override { return "NodeName"; }
  std::uint32_t bit() const override { return kNodeNameBit; }
  bool applies(const PodInfo& pod) const override { return !pod.pod->spec.node_name.empty(); }
  Verdict filter(const PodInfo& pod, const NodeInfo& node) const override {
    const auto& wanted = pod.pod->spec.node_name;
    if (wanted.empty() || wanted == node.node->metadata.name) return {};
    return Verdict::never("node(s) didn't match the requested node name");
  }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_node_name() { return std::make_unique<NodeName>(); }

}  // namespace kpp::scheduler
