// Ends namespaces: deletes all that is in them, then lets them go.
#pragma once

#include "api/corev1.h"
#include "controllers/controller.h"

namespace kpp::controllers {

class NamespaceController final : public Controller {
 public:
  explicit NamespaceController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  async::Task<Status> finalize(corev1::Namespace ns, async::StopToken stop);

  Lister<corev1::Namespace> namespaces_;
};

}  // namespace kpp::controllers
