// A component's way to the API server, from a kubeconfig.
#pragma once

#include <memory>
#include <string>

#include "client/client.h"
#include "client/rest_config.h"
#include "process.h"

namespace kpp::cmd {

struct Connection {
  std::unique_ptr<net::Transport> transport;
  std::unique_ptr<client::Client> client;
  std::string bearer_token;
};

// Errors: kInvalid without a kubeconfig; what the file lacks.
Result<Connection> connect(Process& process, const std::string& kubeconfig,
                           const std::string& agent);
// The same server, without showing who asks.
Result<Connection> connect_anonymously(Process& process, const std::string& kubeconfig,
                                       const std::string& agent);

// As connect(); without a kubeconfig, as a pod finds its cluster.
Result<Connection> connect_from_pod(Process& process, const std::string& kubeconfig,
                                    const std::string& agent);

std::string host_name();
async::Task<void> until_stopped(Process& process);

}  // namespace kpp::cmd
