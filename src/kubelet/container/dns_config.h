// resolv.conf of a pod.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/corev1.h"
#include "api/cri.h"

namespace kpp::kubelet {

struct ResolvConf {
  std::vector<std::string> servers, searches, options;
};
ResolvConf parse_resolv_conf(std::string_view text);

// By the pod's dnsPolicy and dnsConfig.
cri::DNSConfig pod_dns(const corev1::Pod& pod, const ResolvConf& node,
                       const std::vector<std::string>& cluster_dns,
                       const std::string& cluster_domain);

}  // namespace kpp::kubelet
