// Copies Endpoints that people write for services without selector into endpoint slices.
#pragma once

#include <memory>
#include <vector>

#include "api/discoveryv1.h"
#include "controllers/controller.h"

namespace kpp::controllers {

// The slices that mirror the endpoints: one for each family and set of ports. At most 1000
// addresses of a subset are taken.
std::vector<discoveryv1::EndpointSlice> mirrored_slices(const corev1::Endpoints& endpoints);

class EndpointSliceMirroringController final : public Controller {
 public:
  explicit EndpointSliceMirroringController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using SliceRef = std::shared_ptr<const discoveryv1::EndpointSlice>;
  std::vector<SliceRef> slices_of(const api::ObjectKey& endpoints) const;

  Lister<corev1::Endpoints> endpoints_;
  Lister<corev1::Service> services_;
  Lister<discoveryv1::EndpointSlice> slices_;
};

}  // namespace kpp::controllers
