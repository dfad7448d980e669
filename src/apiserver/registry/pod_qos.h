// The quality-of-service class of a pod.
#pragma once

#include <string_view>

#include "api/corev1.h"

namespace kpp::apiserver {

// Guaranteed, Burstable or BestEffort, from the requests and limits of CPU and memory.
std::string_view qos_class(const corev1::Pod& pod);

}  // namespace kpp::apiserver
