// Requests that end at a pod's kubelet: log, exec, attach, portforward.
#pragma once

#include <string>

#include "apiserver/call.h"
#include "apiserver/handlers/kubelet_connections.h"
#include "async/task.h"
#include "net/client.h"
#include "net/http.h"

namespace kpp::apiserver {

// Runs on: the executor of the connections, which must outlive it.
class PodProxy {
 public:
  explicit PodProxy(KubeletConnections& kubelets);
  async::Task<net::Response> handle(Call& call);

 private:
  async::Task<net::Response> connect_streams(Call& call, net::HttpClient& kubelet,
                                             const std::string& host, const std::string& pod,
                                             const std::string& container);

  KubeletConnections& kubelets_;
};

}  // namespace kpp::apiserver
