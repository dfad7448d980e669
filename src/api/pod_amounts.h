// What a pod asks for as a whole.
#pragma once

#include <map>
#include <string>

#include "api/corev1.h"

namespace kpp::api {

using Amounts = std::map<std::string, Quantity>;

// The sum of the containers and sidecars, or the greediest init container, with the pod's overhead.
// `which` is &corev1::ResourceRequirements::requests or ::limits.
Amounts pod_total(const corev1::PodSpec& spec, Amounts corev1::ResourceRequirements::* which);

}  // namespace kpp::api
