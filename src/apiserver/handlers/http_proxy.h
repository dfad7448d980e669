// The proxy subresource of pods, services and nodes: any HTTP request, sent on to what they name.
#pragma once

#include <memory>

#include "apiserver/call.h"
#include "apiserver/handlers/kubelet_connections.h"
#include "apiserver/handlers/proxy_target.h"
#include "async/task.h"
#include "net/http.h"

namespace kpp::apiserver {

// Guarantees: the client's credential and what it said of its own connection are not passed on;
//   links in HTML and in Location lead through the proxy again; an upgraded connection is joined to
//   one of the target's. Certificates of pods and services are not checked, as in the original.
// Runs on: the executor of the connections, which must outlive it.
class HttpProxy {
 public:
  explicit HttpProxy(KubeletConnections& kubelets);
  ~HttpProxy();
  async::Task<net::Response> handle(Call& call);

 private:
  Result<net::HttpClient*> client_for(const ProxyTarget& target,
                                      std::unique_ptr<net::HttpClient>& owned);

  KubeletConnections& kubelets_;
  std::shared_ptr<const net::TlsContext> unchecked_;  // made when first needed
};

}  // namespace kpp::apiserver
