#include <algorithm>

#include "api/corev1.h"
#include "api/quantity.h"
#include "api/storagev1.h"
#include "apiserver/admission/plugins.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kClaims = "persistentvolumeclaims";
constexpr std::string_view kDefaultClass = "storageclass.kubernetes.io/is-default-class";
constexpr std::string_view kBetaDefaultClass = "storageclass.beta.kubernetes.io/is-default-class";
constexpr std::string_view kBetaClass = "volume.beta.kubernetes.io/storage-class";

bool is_true(const metav1::ObjectMeta& meta, std::string_view annotation) {
  const auto it = meta.annotations.find(std::string(annotation));
  return it != meta.annotations.end() && it->second == "true";
}

// A claim without a class gets the default one: the newest, of equally new ones the first by name.
Status default_class(api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (!creates(request, "", kClaims)) return {};
  auto& claim = *object.as<corev1::PersistentVolumeClaim>();
  if (claim.spec.storage_class_name || claim.metadata.annotations.contains(std::string(kBetaClass)))
    return {};
  const storagev1::StorageClass* best = nullptr;
  const auto classes = lookup.list<storagev1::StorageClass>("storage.k8s.io", "storageclasses", "");
  for (const auto& candidate : classes) {
    if (!is_true(candidate.metadata, kDefaultClass) &&
        !is_true(candidate.metadata, kBetaDefaultClass))
      continue;
    if (best == nullptr ||
        candidate.metadata.creation_timestamp > best->metadata.creation_timestamp)
      best = &candidate;
  }
  if (best != nullptr) claim.spec.storage_class_name = best->metadata.name;
  return {};
}

// Claims and volumes that something uses stay until it lets go.
Status add_finalizer(api::Object& object, const AdmissionRequest& request, const Lookup&) {
  std::string_view finalizer;
  if (creates(request, "", kClaims)) finalizer = "kubernetes.io/pvc-protection";
  if (creates(request, "", "persistentvolumes")) finalizer = "kubernetes.io/pv-protection";
  if (creates(request, "storage.k8s.io", "volumeattributesclasses"))
    finalizer = "kubernetes.io/vac-protection";
  if (finalizer.empty()) return {};
  auto& finalizers = api::metadata(object)->finalizers;
  if (std::find(finalizers.begin(), finalizers.end(), finalizer) == finalizers.end())
    finalizers.emplace_back(finalizer);
  return {};
}

Status check_resize(const api::Object& object, const AdmissionRequest& request,
                    const Lookup& lookup) {
  if (request.operation != Operation::kUpdate || !is_about(request, "", kClaims)) return {};
  const auto& claim = *object.as<corev1::PersistentVolumeClaim>();
  const auto& old = *request.old_object->as<corev1::PersistentVolumeClaim>();
  const auto size = [](const corev1::PersistentVolumeClaim& c) {
    const auto it = c.spec.resources.requests.find("storage");
    return it == c.spec.resources.requests.end() ? api::Amount() : api::Amount::from(it->second);
  };
  if (size(claim) <= size(old)) return {};
  if (old.status.phase != "Bound")
    return refused(request, "Only bound persistent volume claims can be expanded");
  const std::string name = claim.spec.storage_class_name.value_or("");
  const auto found = name.empty() ? std::nullopt
                                  : lookup.get<storagev1::StorageClass>("storage.k8s.io",
                                                                        "storageclasses", "", name);
  if (found && found->allow_volume_expansion.value_or(false)) return {};
  return refused(request,
                 "only dynamically provisioned pvc can be resized and the storageclass that "
                 "provisions the pvc must "
                 "support resize");
}

}  // namespace

Plugin default_storage_class_plugin() {
  return {"DefaultStorageClass", default_class, nullptr, nullptr};
}
Plugin storage_in_use_plugin() {
  return {"StorageObjectInUseProtection", add_finalizer, nullptr, nullptr};
}
Plugin volume_claim_resize_plugin() {
  return {"PersistentVolumeClaimResize", nullptr, check_resize, nullptr};
}

}  // namespace kpp::apiserver
