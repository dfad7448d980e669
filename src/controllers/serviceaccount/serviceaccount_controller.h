// Gives every namespace its service account "default".
#pragma once

#include "api/corev1.h"
#include "controllers/controller.h"

namespace kpp::controllers {

class ServiceAccountController final : public Controller {
 public:
  explicit ServiceAccountController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Lister<corev1::Namespace> namespaces_;  // their keys are the queue's
  Lister<corev1::ServiceAccount> accounts_;
};

}  // namespace kpp::controllers
