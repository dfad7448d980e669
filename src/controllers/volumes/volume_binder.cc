#include "controllers/volumes/volume_binder.h"

#include <algorithm>

#include "api/json_codec.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr const char* kProvisioner = "volume.kubernetes.io/storage-provisioner";
constexpr const char* kProvisionerOld = "volume.beta.kubernetes.io/storage-provisioner";
constexpr auto kRetry = std::chrono::seconds(15);  // what waits is told of again

bool annotated(const metav1::ObjectMeta& meta, const char* key) {
  return meta.annotations.contains(key);
}

}  // namespace

VolumeBinder::VolumeBinder(ControllerContext context)
    : Controller(context, "persistentvolume-binder-controller", "persistentvolume-controller", 1),
      volumes_(watch<corev1::PersistentVolume>([this](const auto& before, const auto& after) {
        const auto& volume = after ? *after : *before;
        queue().add({"", volume.metadata.name});
        if (volume.spec.claim_ref)
          queue().add({volume.spec.claim_ref->namespace_, volume.spec.claim_ref->name});
        const auto available = [](const auto& v) { return v && v->status.phase == "Available"; };
        if (available(before) || !available(after)) return;
        for (const auto& claim : claims_.all()) {  // one that waits may take it
          if (!annotated(claim->metadata, api::kBindCompleted)) queue().add(api::key_of(*claim));
        }
      })),
      claims_(watch<corev1::PersistentVolumeClaim>([this](const auto& before, const auto& after) {
        const auto& claim = after ? *after : *before;
        queue().add(api::key_of(claim));
        if (!claim.spec.volume_name.empty()) queue().add({"", claim.spec.volume_name});
      })),
      classes_(read<storagev1::StorageClass>()),
      pods_(read<corev1::Pod>()) {}

void VolumeBinder::event(const corev1::PersistentVolumeClaim& claim, const char* type,
                         const char* reason, std::string message) {
  events().event(client::reference_to(corev1::PersistentVolumeClaim::desc(), claim.metadata), type,
                 reason, std::move(message));
}

async::Task<Status> VolumeBinder::reconcile(api::ObjectKey key, async::StopToken stop) {
  if (key.namespace_.empty()) {
    const auto volume = volumes_.get(key);
    if (!volume) co_return Status();
    co_return co_await sync_volume(volume, stop);
  }
  const auto claim = claims_.get(key);
  if (!claim) {
    for (const auto& volume : volumes_.all()) {
      const auto& reference = volume->spec.claim_ref;
      if (reference && reference->namespace_ == key.namespace_ && reference->name == key.name)
        queue().add({"", volume->metadata.name});
    }
    co_return Status();
  }
  co_return co_await sync_claim(claim, stop);
}

async::Task<Status> VolumeBinder::sync_claim(api::ClaimRef claim, async::StopToken stop) {
  if (annotated(claim->metadata, api::kBindCompleted))
    co_return co_await sync_bound_claim(claim, stop);
  if (claim->metadata.deletion_timestamp) co_return Status();
  co_return co_await sync_unbound_claim(claim, stop);
}

async::Task<Status> VolumeBinder::sync_unbound_claim(api::ClaimRef claim, async::StopToken stop) {
  if (claim->spec.volume_name.empty()) {
    const std::string class_name = api::storage_class_of(*claim);
    const auto storage_class = classes_.get({"", class_name});
    const bool delayed =
        storage_class &&
        storage_class->volume_binding_mode.value_or("") == "WaitForFirstConsumer" &&
        !annotated(claim->metadata, api::kSelectedNode);
    api::VolumeRef found = api::best_match(volumes_.all(), *claim);
    // The scheduler chooses for it; what was made for this claim is taken nevertheless.
    if (found && delayed && !api::is_for(*found, *claim)) found = nullptr;
    if (found) co_return co_await bind(found, claim, stop);
    if (delayed) {
      queue().add_after(api::key_of(*claim), kRetry);
      tell_whom_it_waits_for(*claim);
      co_return co_await set_claim_phase(*claim, "Pending", nullptr, stop);
    }
    co_return co_await wait_for_volume(claim, stop);
  }
  const auto volume = volumes_.get({"", claim->spec.volume_name});
  if (volume && volume->spec.claim_ref && api::is_for(*volume, *claim))
    co_return co_await bind(volume, claim, stop);
  if (volume && !volume->spec.claim_ref) {
    const Status fits = api::check_fit(*volume, *claim);
    if (fits.ok()) co_return co_await bind(volume, claim, stop);
    event(*claim, "Warning", "VolumeMismatch",
          cat("Cannot bind to requested volume ", quoted(volume->metadata.name), ": ",
              fits.message()));
  } else if (volume) {
    event(*claim, "Warning", "FailedBinding",
          cat("volume ", quoted(volume->metadata.name), " already bound to a different claim."));
  }
  co_return co_await set_claim_phase(*claim, "Pending", nullptr, stop);
}

void VolumeBinder::tell_whom_it_waits_for(const corev1::PersistentVolumeClaim& claim) {
  std::vector<std::string> waiting;
  for (const auto& pod : pods_.in_namespace(claim.metadata.namespace_)) {
    if (!pod->spec.node_name.empty() || is_finished(*pod)) continue;
    const auto& all = pod->spec.volumes;
    const bool uses = std::any_of(all.begin(), all.end(), [&](const auto& volume) {
      return api::claim_of_volume(*pod, volume) == claim.metadata.name;
    });
    if (uses) waiting.push_back(pod->metadata.name);
  }
  if (waiting.empty()) {
    event(claim, "Normal", "WaitForFirstConsumer",
          "waiting for first consumer to be created before binding");
  } else {
    event(claim, "Normal", "WaitForPodScheduled",
          cat("waiting for pod", waiting.size() > 1 ? "s " : " ", join(waiting, ","),
              " to be scheduled"));
  }
}

async::Task<Status> VolumeBinder::wait_for_volume(api::ClaimRef claim, async::StopToken stop) {
  const std::string class_name = api::storage_class_of(*claim);
  queue().add_after(api::key_of(*claim), kRetry);
  if (!class_name.empty()) {
    KPP_CO_RETURN_IF_ERROR(co_await ask_provisioner(claim, class_name, stop));
  } else {
    event(*claim, "Normal", "FailedBinding",
          "no persistent volumes available for this claim and no storage class is set");
  }
  co_return co_await set_claim_phase(*claim, "Pending", nullptr, stop);
}

async::Task<Status> VolumeBinder::ask_provisioner(api::ClaimRef claim, std::string name,
                                                  async::StopToken stop) {
  const auto storage_class = classes_.get({"", name});
  if (!storage_class) {
    event(*claim, "Warning", "ProvisioningFailed",
          cat("storageclass.storage.k8s.io ", quoted(name), " not found"));
    co_return Status();
  }
  const std::string& provisioner = storage_class->provisioner;
  if (provisioner == api::kNoProvisioner) {
    event(*claim, "Warning", "ProvisioningFailed",
          "no volume plugin matched name: kubernetes.io/no-provisioner");
    co_return Status();
  }
  const auto noted = claim->metadata.annotations.find(kProvisioner);
  if (noted == claim->metadata.annotations.end() || noted->second != provisioner) {
    corev1::PersistentVolumeClaim next = *claim;
    next.metadata.annotations[kProvisioner] = provisioner;
    next.metadata.annotations[kProvisionerOld] = provisioner;
    auto updated = co_await client().update<corev1::PersistentVolumeClaim>(std::move(next), stop);
    if (!updated) co_return std::move(updated).error();
  }
  event(*claim, "Normal", "ExternalProvisioning",
        cat("Waiting for a volume to be created either by the external provisioner '", provisioner,
            "' or manually by the system administrator. If volume creation is delayed, please "
            "verify that the provisioner is running and correctly registered."));
  co_return Status();
}

async::Task<Status> VolumeBinder::bind(api::VolumeRef volume, api::ClaimRef claim,
                                       async::StopToken stop) {
  corev1::PersistentVolume promised = *volume;
  if (!promised.spec.claim_ref) promised.metadata.annotations[api::kBoundByController] = "yes";
  if (!promised.spec.claim_ref || promised.spec.claim_ref->uid != claim->metadata.uid) {
    promised.spec.claim_ref =
        client::reference_to(corev1::PersistentVolumeClaim::desc(), claim->metadata);
    auto updated = co_await client().update<corev1::PersistentVolume>(std::move(promised), stop);
    if (!updated) co_return std::move(updated).error();
    promised = std::move(*updated);
  }
  KPP_CO_RETURN_IF_ERROR(co_await set_volume_phase(promised, "Bound", {}, stop));
  corev1::PersistentVolumeClaim holder = *claim;
  const bool chosen_here = holder.spec.volume_name.empty();
  if (chosen_here || !annotated(holder.metadata, api::kBindCompleted)) {
    if (chosen_here) holder.metadata.annotations[api::kBoundByController] = "yes";
    holder.spec.volume_name = promised.metadata.name;
    holder.metadata.annotations[api::kBindCompleted] = "yes";
    auto updated = co_await client().update<corev1::PersistentVolumeClaim>(std::move(holder), stop);
    if (!updated) co_return std::move(updated).error();
    holder = std::move(*updated);
  }
  co_return co_await set_claim_phase(std::move(holder), "Bound", &promised, stop);
}

async::Task<Status> VolumeBinder::sync_bound_claim(api::ClaimRef claim, async::StopToken stop) {
  const char* reason = "ClaimLost";
  const char* message = nullptr;
  const auto volume =
      claim->spec.volume_name.empty() ? nullptr : volumes_.get({"", claim->spec.volume_name});
  if (claim->spec.volume_name.empty()) {
    message = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!";
  } else if (!volume) {
    message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
  } else if (!volume->spec.claim_ref || api::is_for(*volume, *claim)) {
    co_return co_await bind(volume, claim, stop);
  } else {
    reason = "ClaimMisbound";
    message = "Two claims are bound to the same volume, this one is bound incorrectly";
  }
  if (claim->status.phase != "Lost") event(*claim, "Warning", reason, message);
  co_return co_await set_claim_phase(*claim, "Lost", nullptr, stop);
}

async::Task<Status> VolumeBinder::sync_volume(api::VolumeRef volume, async::StopToken stop) {
  const auto& reference = volume->spec.claim_ref;
  if (!reference || reference->uid.empty()) {
    co_return co_await set_volume_phase(*volume, "Available", {}, stop);
  }
  const auto claim = claims_.get({reference->namespace_, reference->name});
  if (!claim || claim->metadata.uid != reference->uid) {
    if (volume->status.phase != "Failed") {
      KPP_CO_RETURN_IF_ERROR(co_await set_volume_phase(*volume, "Released", {}, stop));
    }
    co_return co_await reclaim(volume, stop);
  }
  if (claim->spec.volume_name == volume->metadata.name)
    co_return co_await set_volume_phase(*volume, "Bound", {}, stop);
  if (claim->spec.volume_name.empty()) {
    queue().add(api::key_of(*claim));
    co_return Status();
  }
  co_return co_await unbind(volume, stop);  // the claim took another one
}

async::Task<Status> VolumeBinder::unbind(api::VolumeRef volume, async::StopToken stop) {
  corev1::PersistentVolume next = *volume;
  if (annotated(next.metadata, api::kBoundByController)) {
    next.spec.claim_ref.reset();
    next.metadata.annotations.erase(api::kBoundByController);
  } else {
    next.spec.claim_ref->uid.clear();
  }
  auto updated = co_await client().update<corev1::PersistentVolume>(std::move(next), stop);
  if (!updated) co_return std::move(updated).error();
  co_return co_await set_volume_phase(std::move(*updated), "Available", {}, stop);
}

async::Task<Status> VolumeBinder::reclaim(api::VolumeRef volume, async::StopToken stop) {
  const std::string& policy = volume->spec.persistent_volume_reclaim_policy;
  if (policy == "Retain" || policy.empty() || volume->status.phase == "Failed") co_return Status();
  const auto provisioned = volume->metadata.annotations.find("pv.kubernetes.io/provisioned-by");
  if (policy == "Delete" && provisioned != volume->metadata.annotations.end())
    co_return Status();  // its provisioner deletes it
  const bool recycles = policy == "Recycle";
  std::string message =
      recycles ? std::string("No recycler plugin found for the volume!")
               : cat("error getting deleter volume plugin for volume ",
                     quoted(volume->metadata.name), ": no deletable volume plugin matched");
  if (policy == "Delete" && volume->spec.persistent_volume_source.host_path) {
    message = cat("host_path deleter only supports /tmp/.+ but received provided ",
                  volume->spec.persistent_volume_source.host_path->path);
  }
  events().event(client::reference_to(corev1::PersistentVolume::desc(), volume->metadata),
                 "Warning", recycles ? "VolumeFailedRecycle" : "VolumeFailedDelete", message);
  co_return co_await set_volume_phase(*volume, "Failed", std::move(message), stop);
}

async::Task<Status> VolumeBinder::set_claim_phase(corev1::PersistentVolumeClaim claim,
                                                  std::string phase,
                                                  const corev1::PersistentVolume* volume,
                                                  async::StopToken stop) {
  corev1::PersistentVolumeClaimStatus status = claim.status;
  status.phase = std::move(phase);
  if (volume) {
    status.access_modes = volume->spec.access_modes;
    // The volume may have grown since; what the claim knows of that is the resizer's.
    const auto size = volume->spec.capacity.find("storage");
    if (size != volume->spec.capacity.end() && !status.capacity.contains("storage"))
      status.capacity["storage"] = size->second;
  } else {
    status.access_modes.clear();
    status.capacity.clear();
  }
  if (api::equal(status, claim.status)) co_return Status();
  claim.status = std::move(status);
  auto written = co_await client().update_status<corev1::PersistentVolumeClaim>(claim, stop);
  if (!written && !written.error().is(Reason::kNotFound)) co_return std::move(written).error();
  co_return Status();
}

async::Task<Status> VolumeBinder::set_volume_phase(corev1::PersistentVolume volume,
                                                   std::string phase, std::string message,
                                                   async::StopToken stop) {
  if (volume.status.phase == phase) co_return Status();
  volume.status.phase = std::move(phase);
  volume.status.message = std::move(message);
  volume.status.last_phase_transition_time = api::Time::from(now());
  auto written = co_await client().update_status<corev1::PersistentVolume>(volume, stop);
  if (!written && !written.error().is(Reason::kNotFound)) co_return std::move(written).error();
  co_return Status();
}

}  // namespace kpp::controllers
