// Puts the cluster's CA certificate into the ConfigMap kube-root-ca.crt of every namespace.
#pragma once

#include "api/corev1.h"
#include "controllers/controller.h"

namespace kpp::controllers {

class RootCaPublisher final : public Controller {
 public:
  RootCaPublisher(ControllerContext context, std::string ca_pem);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  const std::string ca_pem_;
  Lister<corev1::Namespace> namespaces_;  // their keys are the queue's
  Lister<corev1::ConfigMap> maps_;
};

}  // namespace kpp::controllers
