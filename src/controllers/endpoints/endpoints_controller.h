// Keeps the Endpoints objects of services that select pods.
#pragma once

#include "api/corev1.h"
#include "controllers/controller.h"

namespace kpp::controllers {

class EndpointsController final : public Controller {
 public:
  explicit EndpointsController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  async::Task<Status> write(corev1::Service service, corev1::Endpoints endpoints, bool exists,
                            async::StopToken stop);

  Lister<corev1::Service> services_;
  Lister<corev1::Pod> pods_;
  Lister<corev1::Endpoints> endpoints_;
};

}  // namespace kpp::controllers
