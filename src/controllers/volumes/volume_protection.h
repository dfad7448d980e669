// Keeps claims that pods use, and volumes that claims hold, from vanishing.
#pragma once

#include "api/volume_match.h"
#include "controllers/controller.h"

namespace kpp::controllers {

class ClaimProtection final : public Controller {
 public:
  explicit ClaimProtection(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  bool in_use(const api::ObjectKey& claim) const;

  Lister<corev1::PersistentVolumeClaim> claims_;
  Lister<corev1::Pod> pods_;
};

class VolumeProtection final : public Controller {
 public:
  explicit VolumeProtection(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Lister<corev1::PersistentVolume> volumes_;
};

// Makes the claims of pods' ephemeral volumes; they go with their pod.
class EphemeralVolumeController final : public Controller {
 public:
  explicit EphemeralVolumeController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Lister<corev1::Pod> pods_;
  Lister<corev1::PersistentVolumeClaim> claims_;
};

}  // namespace kpp::controllers
