// What `kubectl apply -f` makes a pod network of.
#pragma once

#include <string>

namespace kpp::network {

struct ManifestOptions {
  std::string image;  // holds this binary, iptables' family of programs and nft
};

// ServiceAccount, ClusterRole and its binding, ConfigMap, DaemonSet, as YAML documents.
std::string manifest(const ManifestOptions& options);

}  // namespace kpp::network
