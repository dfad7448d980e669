// /etc/hosts of a pod.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/corev1.h"
#include "kubelet/container/field_path.h"

namespace kpp::kubelet {

// For a pod with a network of its own.
std::string managed_hosts_file(const std::vector<std::string>& pod_ips, const PodHostname& name,
                               const std::vector<corev1::HostAlias>& aliases);
// For a pod on the node's network: the node's file, with the aliases.
std::string host_network_hosts_file(std::string_view node_file,
                                    const std::vector<corev1::HostAlias>& aliases);

}  // namespace kpp::kubelet
