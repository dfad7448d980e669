// The claims that a pod's volumes mean.
#pragma once

#include <string>
#include <vector>

#include "scheduler/cache.h"

namespace kpp::scheduler {

// Those that are there. An error says why the pod cannot be placed at all: a claim is missing, is
// on its way out, has lost its volume or belongs to another pod.
Result<std::vector<api::ClaimRef>> claims_of(const corev1::Pod& pod, const Storage& storage);

}  // namespace kpp::scheduler
