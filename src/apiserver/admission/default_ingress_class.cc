#include "api/networkingv1.h"
#include "apiserver/admission/plugins.h"

namespace kpp::apiserver {
namespace {

constexpr const char* kDefault = "ingressclass.kubernetes.io/is-default-class";
constexpr const char* kOldAnnotation = "kubernetes.io/ingress.class";

// An ingress without a class gets the default one: the newest, of equally new ones the first by
// name.
Status admit(api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (!creates(request, "networking.k8s.io", "ingresses")) return {};
  auto& ingress = *object.as<networkingv1::Ingress>();
  if (ingress.spec.ingress_class_name || ingress.metadata.annotations.contains(kOldAnnotation))
    return {};
  const auto classes =
      lookup.list<networkingv1::IngressClass>("networking.k8s.io", "ingressclasses", "");
  const networkingv1::IngressClass* best = nullptr;
  for (const auto& candidate : classes) {
    const auto it = candidate.metadata.annotations.find(kDefault);
    if (it == candidate.metadata.annotations.end() || it->second != "true") continue;
    if (best == nullptr ||
        candidate.metadata.creation_timestamp > best->metadata.creation_timestamp)
      best = &candidate;
  }
  if (best != nullptr) ingress.spec.ingress_class_name = best->metadata.name;
  return {};
}

}  // namespace

Plugin default_ingress_class_plugin() { return {"DefaultIngressClass", admit, nullptr, nullptr}; }

}  // namespace kpp::apiserver
