#include "controllers/volumes/volume_match.h"

#include <algorithm>

#include "api/quantity.h"
#include "controllers/label_matching.h"

namespace kpp::controllers {
namespace {

constexpr const char* kClassAnnotation = "volume.beta.kubernetes.io/storage-class";

std::string annotated_class(const metav1::ObjectMeta& meta, const std::string& otherwise) {
  const auto it = meta.annotations.find(kClassAnnotation);
  return it == meta.annotations.end() ? otherwise : it->second;
}

api::Amount storage(const std::map<std::string, api::Quantity>& list) {
  const auto it = list.find("storage");
  return it == list.end() ? api::Amount() : api::Amount::from(it->second);
}

std::string mode(const std::optional<std::string>& given) { return given.value_or("Filesystem"); }

bool has_modes(const corev1::PersistentVolume& volume, const corev1::PersistentVolumeClaim& claim) {
  const auto& have = volume.spec.access_modes;
  return std::all_of(
      claim.spec.access_modes.begin(), claim.spec.access_modes.end(),
      [&](const auto& m) { return std::find(have.begin(), have.end(), m) != have.end(); });
}

bool large_enough(const corev1::PersistentVolume& volume,
                  const corev1::PersistentVolumeClaim& claim) {
  return storage(volume.spec.capacity) >= storage(claim.spec.resources.requests);
}

}  // namespace

std::string storage_class_of(const corev1::PersistentVolume& volume) {
  return annotated_class(volume.metadata, volume.spec.storage_class_name);
}
std::string storage_class_of(const corev1::PersistentVolumeClaim& claim) {
  return annotated_class(claim.metadata, claim.spec.storage_class_name.value_or(""));
}

bool is_for(const corev1::PersistentVolume& volume, const corev1::PersistentVolumeClaim& claim) {
  const auto& reference = volume.spec.claim_ref;
  return reference && reference->name == claim.metadata.name &&
         reference->namespace_ == claim.metadata.namespace_ &&
         (reference->uid.empty() || reference->uid == claim.metadata.uid);
}

Status check_fit(const corev1::PersistentVolume& volume,
                 const corev1::PersistentVolumeClaim& claim) {
  if (!large_enough(volume, claim)) return Status(Reason::kInvalid, "requested PV is too small");
  if (storage_class_of(volume) != storage_class_of(claim))
    return Status(Reason::kInvalid, "storageClassName does not match");
  if (mode(volume.spec.volume_mode) != mode(claim.spec.volume_mode))
    return Status(Reason::kInvalid, "incompatible volumeMode");
  if (!has_modes(volume, claim)) return Status(Reason::kInvalid, "incompatible accessMode");
  return Status();
}

VolumeRef best_match(const std::vector<VolumeRef>& volumes,
                     const corev1::PersistentVolumeClaim& claim) {
  VolumeRef best;
  for (const auto& volume : volumes) {
    if (volume->metadata.deletion_timestamp) continue;
    if (is_for(*volume, claim)) {
      if (large_enough(*volume, claim) &&
          mode(volume->spec.volume_mode) == mode(claim.spec.volume_mode)) {
        return volume;
      }
      continue;
    }
    if (volume->spec.claim_ref || volume->status.phase != "Available") continue;
    if (claim.spec.selector && !selects(*claim.spec.selector, volume->metadata.labels)) continue;
    if (!check_fit(*volume, claim).ok()) continue;
    if (!best || storage(volume->spec.capacity) < storage(best->spec.capacity)) best = volume;
  }
  return best;
}

}  // namespace kpp::controllers
