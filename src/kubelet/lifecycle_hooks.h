// Hooks of containers: after the start, before the stop.
#pragma once

#include "kubelet/pod_deps.h"

namespace kpp::kubelet {

// Runs one hook to its end. Errors carry the text that the status shows: Exec lifecycle hook
// ([...]) for Container ...
async::Task<Status> run_hook(const PodDeps& deps, PodRef pod, corev1::Container container,
                             std::string container_id, std::string pod_ip,
                             corev1::LifecycleHandler hook, async::StopToken stop);

}  // namespace kpp::kubelet
