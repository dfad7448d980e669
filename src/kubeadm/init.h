// `kubeadm init`: makes this machine the control plane of a new cluster.
#pragma once

#include <string>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "kubeadm/config.h"
#include "kubeadm/phases.h"
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

// Runs the chosen phases. Errors: the first phase that failed, named: "error execution phase certs:
// ..."; what it made so far stays, and `kubeadm reset` removes it. With config.dry_run only the
// pre-flight checks are made, and what would be written is said.
async::Task<Status> init(Setting setting, InitConfig config, PhaseChoice choice,
                         async::StopToken stop);

}  // namespace kpp::kubeadm
