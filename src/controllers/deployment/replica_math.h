// How many pods each replica set of a deployment may have.
#pragma once

#include <vector>

#include "api/appsv1.h"

namespace kpp::controllers {

using Sets = std::vector<appsv1::ReplicaSet>;

inline std::int32_t wanted(const appsv1::ReplicaSet& set) { return set.spec.replicas.value_or(1); }
inline std::int32_t wanted(const appsv1::Deployment& d) { return d.spec.replicas.value_or(1); }
bool is_rolling(const appsv1::Deployment& d);
// maxSurge and maxUnavailable as numbers: percentages of the replicas, surge rounded up,
// unavailable down; never both 0.
std::int32_t max_surge(const appsv1::Deployment& d);
std::int32_t max_unavailable(const appsv1::Deployment& d);

std::int32_t sum_wanted(const std::vector<const appsv1::ReplicaSet*>& sets);
std::int32_t sum_available(const std::vector<const appsv1::ReplicaSet*>& sets);

// The size that the new set (now of `current` replicas) may have when all sets together want
// `total`.
std::int32_t new_set_size(const appsv1::Deployment& d, std::int32_t total, std::int32_t current);

// The new sizes of the active sets, in their order, when a deployment is scaled in the middle of a
// roll-out: each gets its share of what is added or taken; the first in `order` gets what rounding
// leaves. Sizes are in the order of `sets`.
std::vector<std::int32_t> proportional_sizes(const appsv1::Deployment& d,
                                             const std::vector<const appsv1::ReplicaSet*>& sets);

}  // namespace kpp::controllers
