// `kubeadm token`: the bootstrap tokens of a cluster that runs.
#pragma once

#include <string>
#include <vector>

#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "kubeadm/init.h"

namespace kpp::kubeadm {

// Prints the table.
async::Task<Status> list_tokens(Setting setting, std::string kubeconfig, async::StopToken stop);
// Prints the token, or the join command. A token that is empty is generated.
async::Task<Status> create_token(Setting setting, std::string kubeconfig, BootstrapToken token,
                                 bool print_join_command, async::StopToken stop);
// Takes ids or whole tokens.
async::Task<Status> delete_tokens(Setting setting, std::string kubeconfig,
                                  std::vector<std::string> tokens, async::StopToken stop);

}  // namespace kpp::kubeadm
