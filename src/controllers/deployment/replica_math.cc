#include "controllers/deployment/replica_math.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "controllers/percent.h"

namespace kpp::controllers {
namespace {

struct Fenceposts {
  std::int32_t surge = 0, unavailable = 0;
};

Fenceposts fenceposts(const appsv1::Deployment& d) {
  Fenceposts out;
  if (!d.spec.strategy.rolling_update) return {0, 1};
  out.surge = scaled(d.spec.strategy.rolling_update->max_surge, wanted(d), Rounding::kUp);
  out.unavailable =
      scaled(d.spec.strategy.rolling_update->max_unavailable, wanted(d), Rounding::kDown);
  if (out.surge == 0 && out.unavailable == 0) out.unavailable = 1;
  return out;
}

// How much a set's size changes if it keeps its share of the whole.
std::int32_t share(const appsv1::Deployment& d, const appsv1::ReplicaSet& set) {
  if (wanted(d) == 0) return -wanted(set);
  std::int32_t old_max = d.status.replicas;
  const auto it = set.metadata.annotations.find("deployment.kubernetes.io/max-replicas");
  if (it != set.metadata.annotations.end()) {
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), old_max);
  }
  if (old_max <= 0) return 0;
  const double size = static_cast<double>(wanted(set)) * (wanted(d) + max_surge(d)) / old_max;
  return static_cast<std::int32_t>(std::round(size)) - wanted(set);
}

}  // namespace

bool is_rolling(const appsv1::Deployment& d) { return d.spec.strategy.type == "RollingUpdate"; }

std::int32_t max_surge(const appsv1::Deployment& d) {
  return is_rolling(d) ? fenceposts(d).surge : 0;
}

std::int32_t max_unavailable(const appsv1::Deployment& d) {
  if (!is_rolling(d) || wanted(d) == 0) return 0;
  return std::min(fenceposts(d).unavailable, wanted(d));
}

std::int32_t sum_wanted(const std::vector<const appsv1::ReplicaSet*>& sets) {
  std::int32_t sum = 0;
  for (const auto* set : sets) sum += wanted(*set);
  return sum;
}

std::int32_t sum_available(const std::vector<const appsv1::ReplicaSet*>& sets) {
  std::int32_t sum = 0;
  for (const auto* set : sets) sum += set->status.available_replicas;
  return sum;
}

std::int32_t new_set_size(const appsv1::Deployment& d, std::int32_t total, std::int32_t current) {
  if (!is_rolling(d)) return wanted(d);
  const std::int32_t most = wanted(d) + max_surge(d);
  if (total >= most) return current;
  return current + std::min(most - total, wanted(d) - current);
}

std::vector<std::int32_t> proportional_sizes(const appsv1::Deployment& d,
                                             const std::vector<const appsv1::ReplicaSet*>& sets) {
  std::vector<std::int32_t> sizes;
  for (const auto* set : sets) sizes.push_back(wanted(*set));
  const std::int32_t allowed = wanted(d) > 0 ? wanted(d) + max_surge(d) : 0;
  const std::int32_t to_add = allowed - sum_wanted(sets);
  if (to_add == 0 || sets.empty()) return sizes;

  // Large sets first; among equals the newer one when adding, the older one when taking.
  std::vector<std::size_t> order(sets.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (wanted(*sets[a]) != wanted(*sets[b])) return wanted(*sets[a]) > wanted(*sets[b]);
    const auto& x = sets[a]->metadata;
    const auto& y = sets[b]->metadata;
    if (x.creation_timestamp == y.creation_timestamp)
      return to_add > 0 ? x.name > y.name : x.name < y.name;
    return to_add > 0 ? x.creation_timestamp > y.creation_timestamp
                      : x.creation_timestamp < y.creation_timestamp;
  });
  std::int32_t added = 0;
  for (const auto i : order) {
    if (wanted(*sets[i]) == 0 || added == to_add) continue;
    const std::int32_t part = share(d, *sets[i]);
    const std::int32_t change =
        to_add > 0 ? std::min(part, to_add - added) : std::max(part, to_add - added);
    sizes[i] += change;
    added += change;
  }
  sizes[order.front()] = std::max(0, sizes[order.front()] + to_add - added);
  return sizes;
}

}  // namespace kpp::controllers
