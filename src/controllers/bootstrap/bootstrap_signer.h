// Signs the cluster-info ConfigMap of kube-public with every bootstrap token that may sign.
#pragma once

#include "controllers/controller.h"

namespace kpp::controllers {

class BootstrapSigner final : public Controller {
 public:
  explicit BootstrapSigner(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Lister<corev1::Secret> tokens_;
  Lister<corev1::ConfigMap> maps_;
};

// Deletes bootstrap tokens that have ended.
class TokenCleaner final : public Controller {
 public:
  explicit TokenCleaner(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Lister<corev1::Secret> tokens_;
};

}  // namespace kpp::controllers
