// Waits until the components of a control plane answer.
#pragma once

#include <memory>
#include <string>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "client/client.h"
#include "kubeadm/config.h"
#include "kubeadm/printer.h"
#include "net/client.h"

namespace kpp::kubeadm {

// The API with the credential of a kubeconfig. The transport must outlive nothing but the client.
struct ApiConnection {
  std::unique_ptr<net::Transport> transport;
  std::unique_ptr<client::Client> client;
};
Result<ApiConnection> connect(async::IoExecutor& executor, const std::string& kubeconfig_path);
Result<ApiConnection> connect_with(async::IoExecutor& executor, std::string_view kubeconfig_yaml);

// Until the kubelet says that it is healthy. kTimeout, or kIo where it has ended.
async::Task<Status> wait_for_kubelet(async::IoExecutor& executor, Seconds patience, Printer print,
                                     async::StopToken stop);
// Until the API server, the controller manager and the scheduler answer their health checks.
// kTimeout says which did not, and where to look.
async::Task<Status> wait_for_control_plane(async::IoExecutor& executor, InitConfig config,
                                           Printer print, async::StopToken stop);

}  // namespace kpp::kubeadm
