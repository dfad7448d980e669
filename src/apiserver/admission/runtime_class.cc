#include "api/corev1.h"
#include "api/nodev1.h"
#include "apiserver/admission/plugins.h"

namespace kpp::apiserver {
namespace {

bool same_amounts(const std::map<std::string, api::Quantity>& a,
                  const std::map<std::string, api::Quantity>& b) {
  return a == b;
}

// Nothing, or the class that the pod names; an error if that is not there.
Result<std::optional<nodev1::RuntimeClass>> class_of(const corev1::Pod& pod,
                                                     const AdmissionRequest& request,
                                                     const Lookup& lookup) {
  if (!pod.spec.runtime_class_name || pod.spec.runtime_class_name->empty())
    return std::optional<nodev1::RuntimeClass>();
  auto found = lookup.get<nodev1::RuntimeClass>("node.k8s.io", "runtimeclasses", "",
                                                *pod.spec.runtime_class_name);
  if (!found) {
    return fail(refused(request, cat("pod rejected: RuntimeClass ",
                                     quoted(*pod.spec.runtime_class_name), " not found")));
  }
  return found;
}

Status admit(api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (!creates(request, "", "pods")) return {};
  auto& pod = *object.as<corev1::Pod>();
  KPP_ASSIGN(const auto found, class_of(pod, request, lookup));
  if (!found) return {};
  if (found->overhead) {
    if (!pod.spec.overhead.empty() &&
        !same_amounts(pod.spec.overhead, found->overhead->pod_fixed)) {
      return refused(request,
                     "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    }
    pod.spec.overhead = found->overhead->pod_fixed;
  }
  if (!found->scheduling) return {};
  for (const auto& [key, value] : found->scheduling->node_selector) {
    const auto it = pod.spec.node_selector.find(key);
    if (it != pod.spec.node_selector.end() && it->second != value) {
      return refused(request, cat("conflict: runtimeClass.scheduling.nodeSelector[", key, "] = ",
                                  value, "; pod.spec.nodeSelector[", key, "] = ", it->second));
    }
  }
  for (const auto& [key, value] : found->scheduling->node_selector)
    pod.spec.node_selector[key] = value;
  for (const auto& toleration : found->scheduling->tolerations) {
    bool there = false;
    for (const auto& has : pod.spec.tolerations) there = there || api::equal(has, toleration);
    if (!there) pod.spec.tolerations.push_back(toleration);
  }
  return {};
}

Status check(const api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (!creates(request, "", "pods")) return {};
  const auto& pod = *object.as<corev1::Pod>();
  KPP_ASSIGN(const auto found, class_of(pod, request, lookup));
  if (found && found->overhead) {
    if (same_amounts(pod.spec.overhead, found->overhead->pod_fixed)) return {};
    return refused(request,
                   "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  }
  if (pod.spec.overhead.empty()) return {};
  return refused(
      request,
      "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
}

}  // namespace

Plugin runtime_class_plugin() { return {"RuntimeClass", admit, check, nullptr}; }

}  // namespace kpp::apiserver
