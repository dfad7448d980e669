// The group resource.k8s.io.
#include "api/defaults/rules.h"
#include "api/resourcev1.h"

namespace kpp::api::defaults {
namespace {

using namespace resourcev1;

template <class R>
void request(R& r) {
  set(r.allocation_mode, "ExactCount");
  if (r.allocation_mode == "ExactCount") set(r.count, 1);
}
void taint(DeviceTaint& t) { set(t.time_added, Time::from(SystemClock().wall())); }
void mapping(NodeAllocatableResourceMapping& m) { set(m.allocation_multiplier, Quantity("1")); }

constexpr Rule kRules[] = {
    rule<ExactDeviceRequest, request<ExactDeviceRequest>>(),
    rule<DeviceSubRequest, request<DeviceSubRequest>>(),
    rule<DeviceTaint, taint>(),
    rule<NodeAllocatableResourceMapping, mapping>(),
};

}  // namespace

std::span<const Rule> resource_rules() { return kRules; }

}  // namespace kpp::api::defaults
