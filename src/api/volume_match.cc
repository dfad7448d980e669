#include "api/volume_match.h"

#include <algorithm>

#include "api/node_match.h"
#include "api/quantity.h"
#include "api/selectors.h"

namespace kpp::api {
namespace {

constexpr const char* kClassAnnotation = "volume.beta.kubernetes.io/storage-class";

std::string annotated_class(const metav1::ObjectMeta& meta, const std::string& otherwise) {
  const auto it = meta.annotations.find(kClassAnnotation);
  return it == meta.annotations.end() ? otherwise : it->second;
}

Amount storage(const std::map<std::string, Quantity>& list) {
  const auto it = list.find("storage");
  return it == list.end() ? Amount() : Amount::from(it->second);
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

bool reachable_from(const corev1::PersistentVolume& volume, const corev1::Node& node) {
  const auto& affinity = volume.spec.node_affinity;
  return !affinity || !affinity->required || matches(*affinity->required, node);
}

bool is_bound(const corev1::PersistentVolumeClaim& claim) {
  return !claim.spec.volume_name.empty() && claim.metadata.annotations.contains(kBindCompleted);
}

VolumeRef best_match(const std::vector<VolumeRef>& volumes,
                     const corev1::PersistentVolumeClaim& claim, const corev1::Node* node,
                     const std::function<bool(const corev1::PersistentVolume&)>& passes) {
  LabelSelector selector;
  if (claim.spec.selector) {
    auto parsed = LabelSelector::from(*claim.spec.selector);
    if (!parsed) return nullptr;
    selector = std::move(*parsed);
  }
  VolumeRef best;
  for (const auto& volume : volumes) {
    if (volume->metadata.deletion_timestamp || (passes && !passes(*volume))) continue;
    if (is_for(*volume, claim)) {
      if (!large_enough(*volume, claim) ||
          mode(volume->spec.volume_mode) != mode(claim.spec.volume_mode)) {
        continue;
      }
      // What was made for this claim is the only one to take.
      return node == nullptr || reachable_from(*volume, *node) ? volume : nullptr;
    }
    if (volume->spec.claim_ref || volume->status.phase != "Available") continue;
    if (!selector.matches(volume->metadata.labels)) continue;
    if (!check_fit(*volume, claim).ok()) continue;
    if (node != nullptr && !reachable_from(*volume, *node)) continue;
    if (!best || storage(volume->spec.capacity) < storage(best->spec.capacity)) best = volume;
  }
  return best;
}

std::string claim_of_volume(const corev1::Pod& pod, const corev1::Volume& volume) {
  const auto& source = volume.volume_source;
  if (source.persistent_volume_claim) return source.persistent_volume_claim->claim_name;
  if (source.ephemeral) return cat(pod.metadata.name, "-", volume.name);
  return {};
}

}  // namespace kpp::api
