#include "api/corev1.h"
#include "apiserver/admission/plugins.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kNotReady = "node.kubernetes.io/not-ready";

// A new node takes no pods until its kubelet said that it is ready.
Status admit(api::Object& object, const AdmissionRequest& request, const Lookup&) {
  if (!creates(request, "", "nodes")) return {};
  auto& taints = object.as<corev1::Node>()->spec.taints;
  for (const auto& taint : taints) {
    if (taint.key == kNotReady && taint.effect == "NoSchedule") return {};
  }
  auto& taint = taints.emplace_back();
  taint.key = kNotReady;
  taint.effect = "NoSchedule";
  return {};
}

}  // namespace

Plugin taint_nodes_plugin() { return {"TaintNodesByCondition", admit, nullptr, nullptr}; }

}  // namespace kpp::apiserver
