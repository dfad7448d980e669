#include "controllers/volumes/volume_expander.h"

#include "api/quantity.h"

namespace kpp::controllers {
namespace {

api::Amount storage(const std::map<std::string, api::Quantity>& list) {
  const auto it = list.find("storage");
  return it == list.end() ? api::Amount() : api::Amount::from(it->second);
}

api::Amount wanted(const corev1::PersistentVolumeClaim& claim) {
  return storage(claim.spec.resources.requests);
}

}  // namespace

VolumeExpander::VolumeExpander(ControllerContext context)
    : Controller(context, "persistentvolume-expander-controller", "volume_expand", 1),
      claims_(watch<corev1::PersistentVolumeClaim>([this](const auto& before, const auto& after) {
        if (before && after && wanted(*before) < wanted(*after)) queue().add(api::key_of(*after));
      })) {}

async::Task<Status> VolumeExpander::reconcile(api::ObjectKey key, async::StopToken /*stop*/) {
  const auto claim = claims_.get(key);
  if (!claim || claim->status.phase != "Bound" || wanted(*claim) <= storage(claim->status.capacity))
    co_return Status();
  events().event(client::reference_to(corev1::PersistentVolumeClaim::desc(), claim->metadata),
                 "Normal", "ExternalExpanding",
                 "waiting for an external controller to expand this PVC");
  co_return Status();
}

}  // namespace kpp::controllers
