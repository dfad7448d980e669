// Keeps the endpoint slices of services that select pods.
#pragma once

#include "api/discoveryv1.h"
#include "controllers/controller.h"
#include "controllers/expectations.h"

namespace kpp::controllers {

// The services whose pods a change of a pod concerns.
std::vector<api::ObjectKey> services_of(const Lister<corev1::Service>& services,
                                        const std::shared_ptr<const corev1::Pod>& before,
                                        const std::shared_ptr<const corev1::Pod>& after);
// The pods that a service selects.
std::vector<std::shared_ptr<const corev1::Pod>> pods_of(const Lister<corev1::Pod>& pods,
                                                        const corev1::Service& service);

class EndpointSliceController final : public Controller {
 public:
  explicit EndpointSliceController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using SliceRef = std::shared_ptr<const discoveryv1::EndpointSlice>;

  void on_slice(const SliceRef& before, const SliceRef& after);
  std::vector<SliceRef> slices_of(const api::ObjectKey& service) const;

  Expectations expectations_;
  Lister<corev1::Service> services_;
  Lister<corev1::Pod> pods_;
  Lister<corev1::Node> nodes_;
  Lister<discoveryv1::EndpointSlice> slices_;
};

}  // namespace kpp::controllers
