#include "kubelet/node/node_events.h"

#include <algorithm>

namespace kpp::kubelet {
namespace {

// What the API had; `otherwise` if it had nothing.
std::string ready_of(const corev1::NodeStatus& status, const std::string& otherwise) {
  const auto it = std::ranges::find(status.conditions, "Ready", &corev1::NodeCondition::type);
  return it == status.conditions.end() ? otherwise : it->status;
}

}  // namespace

std::string condition_event(std::string_view type, std::string_view status) {
  const bool yes = status == "True";
  if (type == "Ready") return yes ? "NodeReady" : "NodeNotReady";
  if (type == "MemoryPressure")
    return yes ? "NodeHasInsufficientMemory" : "NodeHasSufficientMemory";
  if (type == "DiskPressure") return yes ? "NodeHasDiskPressure" : "NodeHasNoDiskPressure";
  if (type == "PIDPressure") return yes ? "NodeHasInsufficientPID" : "NodeHasSufficientPID";
  return {};
}

NodeEvents::NodeEvents(client::EventRecorder& events, std::string node_name)
    : events_(events), node_name_(std::move(node_name)) {}

void NodeEvents::tell(std::string_view type, std::string_view reason, std::string message) {
  corev1::ObjectReference node;
  node.kind = "Node";
  node.name = node_name_;
  node.uid = node_name_;
  events_.event(node, type, reason, std::move(message));
}

void NodeEvents::starting() { tell("Normal", "Starting", "Starting kubelet."); }

void NodeEvents::allocatable_enforced(std::string_view on) {
  if (on == "pods") {
    tell("Normal", "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods");
  } else {
    tell("Normal", "NodeAllocatableEnforced", cat("Updated limits on ", on));
  }
}

void NodeEvents::enforcement_failed(const std::string& why) {
  tell("Warning", "FailedNodeAllocatableEnforcement", why);
}

void NodeEvents::status_written(const corev1::NodeStatus& before, const corev1::NodeStatus& now) {
  const std::string& boot = now.node_info.boot_id;
  if (told_.empty() && !before.node_info.boot_id.empty() && before.node_info.boot_id != boot)
    tell("Warning", "Rebooted", cat("Node ", node_name_, " has been rebooted, boot id: ", boot));
  for (const auto& condition : now.conditions) {
    std::string reason = condition_event(condition.type, condition.status);
    if (condition.type == "Ready") told_[condition.type] = ready_of(before, condition.status);
    auto& told = told_[condition.type];
    if (reason.empty() || told == condition.status) continue;
    told = condition.status;
    std::string message = cat("Node ", node_name_, " status is now: ", reason);
    tell("Normal", reason, std::move(message));
  }
}

}  // namespace kpp::kubelet
