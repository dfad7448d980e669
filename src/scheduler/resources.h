// Amounts of resources as numbers, and what a pod asks for.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "api/corev1.h"

namespace kpp::scheduler {

struct Resources {
  std::int64_t milli_cpu = 0;
  std::int64_t memory = 0;
  std::int64_t ephemeral_storage = 0;
  std::map<std::string, std::int64_t> others;  // extended resources, huge pages

  void set(const std::string& name, const api::Quantity& amount);
  void add(const Resources& other);
  void subtract(const Resources& other);
  void take_max(const Resources& other);
  bool empty() const;
  friend bool operator==(const Resources&, const Resources&) = default;
};

Resources resources_of(const std::map<std::string, api::Quantity>& list);

// Containers and sidecars together, or the hungriest moment of starting if that is more; requests
// of the pod as a whole take their place where set; then the overhead.
Resources pod_requests(const corev1::Pod& pod);
// The same, with figures for containers that ask for no CPU (100m) or memory (200Mi), for scores
// only: pods without requests would otherwise all go to one node.
Resources pod_requests_for_score(const corev1::Pod& pod);

}  // namespace kpp::scheduler
