// Asks the container runtime about itself, over CRI.
#pragma once

#include <string>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "kubeadm/preflight.h"

namespace kpp::kubeadm {

// Never fails: a runtime that does not answer is RuntimeFacts::error.
async::Task<RuntimeFacts> ask_runtime(async::IoExecutor& executor, std::string cri_socket,
                                      async::StopToken stop);

// Stops and removes every pod that the runtime has. Ok if there is none.
async::Task<Status> remove_pods(async::IoExecutor& executor, std::string cri_socket,
                                async::StopToken stop);

// "systemd" or "cgroupfs", from the configuration that the runtime reports as a JSON text; empty if
// it does not say.
std::string cgroup_driver_of(std::string_view reported_config);

// The image that the runtime keeps a pod's namespaces with; empty if it does not say.
std::string sandbox_image_of(std::string_view reported_config);

}  // namespace kpp::kubeadm
