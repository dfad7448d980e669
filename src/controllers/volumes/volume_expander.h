// Claims that ask for more than their volume has.
#pragma once

#include "controllers/controller.h"

namespace kpp::controllers {

// No volume of these kinds can be made larger from here: the claim is told to wait for somebody who
// can.
class VolumeExpander final : public Controller {
 public:
  explicit VolumeExpander(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Lister<corev1::PersistentVolumeClaim> claims_;
};

}  // namespace kpp::controllers
