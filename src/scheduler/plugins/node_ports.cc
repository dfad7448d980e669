#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

namespace {

bool conflicts(const HostPort& a, const HostPort& b) {
  if (a.port != b.port || a.protocol != b.protocol) return false;
  return a.ip == b.ip || a.ip == "0.0.0.0" || b.ip == "0.0.0.0";
}

class NodePorts final : public NodeFilterPlugin {
 public:
  std::string_view name() const override { return "NodePorts"; }
  std::uint32_t bit() const override { return kNodePortsBit; }
  bool applies(const PodInfo& pod) const override { return !pod.ports.empty(); }
  Verdict filter(const PodInfo& pod, const NodeInfo& node) const override {
    for (const auto& wanted : pod.ports) {
      for (const auto& taken : node.ports) {
        if (conflicts(wanted, taken)) {
          return Verdict::no("node(s) didn't have free ports for the requested pod ports");
        }
      }
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_node_ports() { return std::make_unique<NodePorts>(); }

}  // namespace kpp::scheduler
