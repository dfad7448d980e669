// Computes the slices of a service, and the least change from those that are there.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "api/discoveryv1.h"
#include "controllers/endpointslice/service_pods.h"

namespace kpp::controllers {

inline constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";
inline constexpr const char* kManagedByLabel = "endpointslice.kubernetes.io/managed-by";
inline constexpr const char* kSliceManager = "endpointslice-controller.k8s.io";
inline constexpr std::size_t kMaxEndpointsPerSlice = 100;

struct SliceChanges {
  std::vector<discoveryv1::EndpointSlice> create, update;
  std::vector<discoveryv1::EndpointSlice> remove;

  bool empty() const { return create.empty() && update.empty() && remove.empty(); }
};

// `zone_of`: the zone of a node, empty if unknown. Endpoints stay in the slice where they are; one
// that is full overflows into a new one. A family without endpoints keeps one empty slice.
SliceChanges slice_changes(
    const corev1::Service& service, const std::vector<std::shared_ptr<const corev1::Pod>>& pods,
    const std::vector<std::shared_ptr<const discoveryv1::EndpointSlice>>& existing,
    const std::function<std::string(const std::string& node)>& zone_of);

}  // namespace kpp::controllers
