// The sandbox of a pod as the runtime is asked for it.
#pragma once

#include <string>

#include "api/corev1.h"
#include "api/cri.h"
#include "kubelet/container/dns_config.h"
#include "kubelet/options.h"

namespace kpp::kubelet {

struct SandboxInput {
  const corev1::Pod& pod;
  const KubeletOptions& options;
  const ResolvConf& node_dns;
  std::uint32_t attempt;
  std::string cgroup_parent;
};

cri::PodSandboxConfig sandbox_config(const SandboxInput& input);

// /var/log/pods/<namespace>_<name>_<uid>
std::string pod_log_directory(const KubeletOptions& options, const corev1::Pod& pod);
// /var/lib/kubelet/pods/<uid>
std::string pod_directory(const KubeletOptions& options, const std::string& uid);

}  // namespace kpp::kubelet
