// `kubeadm init`: makes this machine the control plane of a new cluster.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "kubeadm/config.h"
#include "kubeadm/printer.h"

namespace kpp::kubeadm {

struct Setting {
  async::IoExecutor& executor;
  Printer print;
  std::string program;  // this binary, which the images are made from
};

// Fills in what the person left out: the node's name, the address of the default route, a token.
Status complete(InitConfig& config);
Status complete(NodeRegistration& node);
// The source address of the default route.
Result<std::string> default_address();

// Runs all phases. Errors: the first phase that failed, named: "error execution phase certs: ...";
// what it made so far stays, and `kubeadm reset` removes it. With dry_run only the pre-flight
// checks are made, and what would be written is said.
async::Task<Status> init(Setting setting, InitConfig config, bool dry_run, async::StopToken stop);

// The phases that run_phase() knows, in order.
const std::vector<std::string_view>& phase_names();
// One phase alone, on a machine where those before it have run. kInvalid for a name that is none.
async::Task<Status> run_phase(Setting setting, InitConfig config, std::string name,
                              async::StopToken stop);

}  // namespace kpp::kubeadm
