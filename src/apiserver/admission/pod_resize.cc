// A pod in place may not grow beyond what its node has in all.
#include "api/corev1.h"
#include "api/pod_amounts.h"
#include "api/quantity.h"
#include "apiserver/admission/plugins.h"

namespace kpp::apiserver {
namespace {

Status check_resize(const api::Object& object, const AdmissionRequest& request,
                    const Lookup& lookup) {
  if (request.operation != Operation::kUpdate || request.resource == nullptr) return {};
  if (request.subresource != "resize" || object.as<corev1::Pod>() == nullptr) return {};
  const auto& pod = *object.as<corev1::Pod>();
  const auto& old = *request.old_object->as<corev1::Pod>();
  if (pod.spec.node_name.empty()) return {};
  const auto node = lookup.get<corev1::Node>("", "nodes", "", pod.spec.node_name);
  if (!node) return {};
  const api::Amounts wanted = api::pod_total(pod.spec, &corev1::ResourceRequirements::requests);
  const api::Amounts before = api::pod_total(old.spec, &corev1::ResourceRequirements::requests);
  for (const std::string resource : {"cpu", "memory"}) {
    const auto asked = wanted.find(resource);
    const auto has = node->status.allocatable.find(resource);
    if (asked == wanted.end() || has == node->status.allocatable.end()) continue;
    const auto amount = api::Amount::from(asked->second);
    const auto room = api::Amount::from(has->second);
    const auto was = before.find(resource);
    if (amount <= room) continue;
    if (was != before.end() && amount <= api::Amount::from(was->second)) continue;
    const bool in_milli = resource == "cpu";
    return refused(request, cat("node didn't have enough allocatable resources: ", resource,
                                ", requested: ", in_milli ? amount.milli_value() : amount.value(),
                                ", allocatable: ", in_milli ? room.milli_value() : room.value()));
  }
  return {};
}

}  // namespace

Plugin pod_resize_plugin() { return {"PodResizeValidator", nullptr, check_resize, nullptr}; }

}  // namespace kpp::apiserver
