// `kubeadm token`: the bootstrap tokens of a cluster that runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "kubeadm/init.h"
#include "kubeadm/tokens.h"

namespace kpp::kubeadm {

// The person's --output: text, json or yaml. kInvalid for another.
Result<TokenFormat> token_format(std::string_view output);

// Prints the table, or a document for each token.
async::Task<Status> list_tokens(Setting setting, std::string kubeconfig, TokenFormat format,
                                async::StopToken stop);

struct TokenRequest {
  BootstrapToken token;  // one without text is generated
  bool print_join_command = false;
  std::string certificate_key;  // the join command is a control plane's
  bool dry_run = false;
};
// Prints the token, or the join command.
async::Task<Status> create_token(Setting setting, std::string kubeconfig, TokenRequest request,
                                 async::StopToken stop);
// Takes ids or whole tokens.
async::Task<Status> delete_tokens(Setting setting, std::string kubeconfig,
                                  std::vector<std::string> tokens, bool dry_run,
                                  async::StopToken stop);

}  // namespace kpp::kubeadm
