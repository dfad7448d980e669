// Whether a pod has used more of the node's disk than it may. Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "api/corev1.h"

namespace kpp::kubelet {

// Bytes on the node's disk.
struct LocalUsage {
  std::map<std::string, std::int64_t>
      containers;                               // by name: what it wrote to its root, and its log
  std::map<std::string, std::int64_t> volumes;  // by name: emptyDir and copies of API objects
};

// True if something of the pod has a limit, so that it is worth measuring.
bool limits_local_storage(const corev1::Pod& pod);
// Why the pod is to be evicted, in the words of Kubernetes; nullopt: it keeps within its limits.
std::optional<std::string> exceeded_storage(const corev1::Pod& pod, const LocalUsage& usage);

}  // namespace kpp::kubelet
