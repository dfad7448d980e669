#include "controllers/volumes/volume_protection.h"

#include <algorithm>

namespace kpp::controllers {
namespace {

constexpr const char* kClaimFinalizer = "kubernetes.io/pvc-protection";
constexpr const char* kVolumeFinalizer = "kubernetes.io/pv-protection";

// Adds or takes the finalizer. True if the object is to be written.
bool set_finalizer(metav1::ObjectMeta& meta, const char* name, bool wanted) {
  const auto it = std::find(meta.finalizers.begin(), meta.finalizers.end(), name);
  if ((it != meta.finalizers.end()) == wanted) return false;
  if (wanted) {
    meta.finalizers.emplace_back(name);
  } else {
    meta.finalizers.erase(it);
  }
  return true;
}

template <class T>
async::Task<Status> protect(client::Client& client, std::shared_ptr<const T> object,
                            const char* finalizer, bool wanted, async::StopToken stop) {
  T next = *object;
  if (!set_finalizer(next.metadata, finalizer, wanted)) co_return Status();
  auto updated = co_await client.update<T>(std::move(next), stop);
  if (updated || updated.error().is(Reason::kNotFound)) co_return Status();
  co_return std::move(updated).error();
}

}  // namespace

ClaimProtection::ClaimProtection(ControllerContext context)
    : Controller(context, "persistentvolumeclaim-protection-controller", "pvc-protection", 1),
      claims_(watch_keys<corev1::PersistentVolumeClaim>()),
      pods_(watch<corev1::Pod>([this](const auto& before, const auto& after) {
        if (before && after && before->metadata.uid == after->metadata.uid) return;
        if (!before) return;
        for (const auto& volume : before->spec.volumes) {
          const std::string name = api::claim_of_volume(*before, volume);
          if (!name.empty()) queue().add({before->metadata.namespace_, name});
        }
      })) {}

bool ClaimProtection::in_use(const api::ObjectKey& claim) const {
  for (const auto& pod : pods_.in_namespace(claim.namespace_)) {
    if (pod->spec.node_name.empty()) continue;
    for (const auto& volume : pod->spec.volumes) {
      if (api::claim_of_volume(*pod, volume) == claim.name) return true;
    }
  }
  return false;
}

async::Task<Status> ClaimProtection::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto claim = claims_.get(key);
  if (!claim) co_return Status();
  if (claim->metadata.deletion_timestamp && in_use(key)) co_return Status();
  co_return co_await protect<corev1::PersistentVolumeClaim>(
      client(), claim, kClaimFinalizer, !claim->metadata.deletion_timestamp, stop);
}

VolumeProtection::VolumeProtection(ControllerContext context)
    : Controller(context, "persistentvolume-protection-controller", "pv-protection", 1),
      volumes_(watch_keys<corev1::PersistentVolume>()) {}

async::Task<Status> VolumeProtection::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto volume = volumes_.get(key);
  if (!volume) co_return Status();
  if (volume->metadata.deletion_timestamp && volume->status.phase == "Bound") co_return Status();
  co_return co_await protect<corev1::PersistentVolume>(client(), volume, kVolumeFinalizer,
                                                       !volume->metadata.deletion_timestamp, stop);
}

EphemeralVolumeController::EphemeralVolumeController(ControllerContext context)
    : Controller(context, "ephemeral-volume-controller", "ephemeral_volume", 1),
      pods_(watch<corev1::Pod>([this](const auto& before, const auto& after) {
        if (before || !after) return;
        for (const auto& volume : after->spec.volumes) {
          if (volume.volume_source.ephemeral) return queue().add(api::key_of(*after));
        }
      })),
      claims_(watch<corev1::PersistentVolumeClaim>([this](const auto& before, const auto& after) {
        if (after) return;  // one that was deleted is made again
        const auto* owner = api::controller_of(before->metadata);
        if (owner && owner->kind == "Pod") queue().add({before->metadata.namespace_, owner->name});
      })) {}

async::Task<Status> EphemeralVolumeController::reconcile(api::ObjectKey key,
                                                         async::StopToken stop) {
  const auto pod = pods_.get(key);
  if (!pod || pod->metadata.deletion_timestamp) co_return Status();
  for (const auto& volume : pod->spec.volumes) {
    if (!volume.volume_source.ephemeral || !volume.volume_source.ephemeral->volume_claim_template) {
      continue;
    }
    const std::string name = api::claim_of_volume(*pod, volume);
    if (const auto there = claims_.get({key.namespace_, name})) {
      if (api::is_controlled_by(there->metadata, pod->metadata.uid)) continue;
      const std::string text =
          cat("PVC ", there->metadata.namespace_, "/", name, " was not created for pod ",
              key.to_string(), " (pod is not owner)");
      co_return Status(Reason::kConflict, text);
    }
    const auto& body = *volume.volume_source.ephemeral->volume_claim_template;
    corev1::PersistentVolumeClaim claim;
    claim.metadata.name = name;
    claim.metadata.namespace_ = key.namespace_;
    claim.metadata.labels = body.metadata.labels;
    claim.metadata.annotations = body.metadata.annotations;
    claim.metadata.owner_references.push_back(
        api::controller_reference(corev1::Pod::desc(), pod->metadata));
    claim.spec = body.spec;
    auto created = co_await client().create<corev1::PersistentVolumeClaim>(std::move(claim), stop);
    if (created) continue;
    events().event(
        client::reference_to(corev1::Pod::desc(), pod->metadata), "Warning",
        "EphemeralVolumeFailedCreate",
        cat("ephemeral volume controller: create PVC ", name, ": ", created.error().message()));
    co_return std::move(created).error();
  }
  co_return Status();
}

}  // namespace kpp::controllers
