// Brings claims and persistent volumes together, and releases volumes whose claim is gone.
#pragma once

#include "api/storagev1.h"
#include "api/volume_match.h"
#include "controllers/controller.h"

namespace kpp::controllers {

// Keys of volumes have no namespace, those of claims have.
//
// Guarantees: a volume is promised to a claim in its own spec before the claim names it, so that
//   two claims never hold one volume.
class VolumeBinder final : public Controller {
 public:
  explicit VolumeBinder(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  async::Task<Status> sync_claim(api::ClaimRef claim, async::StopToken stop);
  async::Task<Status> sync_unbound_claim(api::ClaimRef claim, async::StopToken stop);
  async::Task<Status> sync_bound_claim(api::ClaimRef claim, async::StopToken stop);
  async::Task<Status> wait_for_volume(api::ClaimRef claim, async::StopToken stop);
  void tell_whom_it_waits_for(const corev1::PersistentVolumeClaim& claim);
  async::Task<Status> ask_provisioner(api::ClaimRef claim, std::string name, async::StopToken stop);
  async::Task<Status> bind(api::VolumeRef volume, api::ClaimRef claim, async::StopToken stop);
  async::Task<Status> sync_volume(api::VolumeRef volume, async::StopToken stop);
  async::Task<Status> unbind(api::VolumeRef volume, async::StopToken stop);
  async::Task<Status> reclaim(api::VolumeRef volume, async::StopToken stop);

  async::Task<Status> set_claim_phase(corev1::PersistentVolumeClaim claim, std::string phase,
                                      const corev1::PersistentVolume* volume,
                                      async::StopToken stop);
  async::Task<Status> set_volume_phase(corev1::PersistentVolume volume, std::string phase,
                                       std::string message, async::StopToken stop);
  void event(const corev1::PersistentVolumeClaim& claim, const char* type, const char* reason,
             std::string message);

  Lister<corev1::PersistentVolume> volumes_;
  Lister<corev1::PersistentVolumeClaim> claims_;
  Lister<storagev1::StorageClass> classes_;
  Lister<corev1::Pod> pods_;
};

}  // namespace kpp::controllers
