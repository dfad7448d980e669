// The subsets of a service's Endpoints object.
#pragma once

#include <memory>
#include <vector>

#include "controllers/endpointslice/service_pods.h"

namespace kpp::controllers {

inline constexpr std::size_t kMaxEndpointsAddresses = 1000;

// Addresses of the service's first family, grouped by their ports, sorted; at most
// kMaxEndpointsAddresses, ready ones first.
std::vector<corev1::EndpointSubset> subsets_for(
    const corev1::Service& service, const std::vector<std::shared_ptr<const corev1::Pod>>& pods);

}  // namespace kpp::controllers
