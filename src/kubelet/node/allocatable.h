// What the machine has, what of it is kept back, and what pods may have. Pure functions.
#pragma once

#include "kubelet/container/resources.h"
#include "kubelet/node/machine.h"
#include "kubelet/options.h"

namespace kpp::kubelet {

struct NodeResources {
  ResourceList capacity;
  // Without what is kept for the system and for Kubernetes, and what must stay free so that nothing
  // is evicted.
  ResourceList allocatable;
  // The same, but for what must stay free: what the groups of pods are held to.
  ResourceList enforced;
};
NodeResources node_resources(const Machine& machine, const KubeletOptions& options);

// How much a threshold of eviction ("100Mi", "10%") is of a capacity.
std::int64_t threshold_bytes(std::string_view threshold, std::int64_t capacity);

}  // namespace kpp::kubelet
