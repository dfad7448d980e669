// A container as the runtime is asked for it.
#pragma once

#include <string>
#include <vector>

#include "api/corev1.h"
#include "api/cri.h"
#include "base/status.h"
#include "kubelet/container/environment.h"
#include "kubelet/container/security.h"
#include "kubelet/options.h"

namespace kpp::kubelet {

struct ContainerInput {
  const corev1::Pod& pod;
  const corev1::Container& container;
  const KubeletOptions& options;
  const Environment& environment;
  std::string image_ref;  // what the runtime knows the image by
  ImageUser image_user;
  std::int32_t restart_count = 0;
  std::int64_t memory_capacity = 0;
  bool quota_enforced = true;
  std::vector<cri::Mount> mounts;  // volumes, hosts file, termination message
};

// Errors (kInvalid) carry the text of CreateContainerConfigError.
Result<cri::ContainerConfig> container_config(const ContainerInput& input);

// Limits of the container's own group.
cri::LinuxContainerResources container_resources(const corev1::Pod& pod,
                                                 const corev1::Container& container,
                                                 std::int64_t memory_capacity, bool quota_enforced);

// An ephemeral container with the fields that it shares with others.
corev1::Container as_container(const corev1::EphemeralContainer& ephemeral);

// "spec.containers{name}", as events point at a container; empty if the pod has none of that name.
std::string container_field_path(const corev1::Pod& pod, const std::string& container);

}  // namespace kpp::kubelet
