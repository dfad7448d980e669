// Requests that end at a kubelet: a pod's log, exec, attach, portforward; what is proxied to a
// node.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/corev1.h"
#include "apiserver/call.h"
#include "async/executor.h"
#include "async/task.h"
#include "net/http.h"
#include "net/tls.h"

namespace kpp::apiserver {

// Runs on: the executor.
class PodProxy {
 public:
  // tls: how kubelets are reached; nullptr: such requests are refused with a clear error.
  // address_types: which of a node's addresses it is reached by, the best first.
  PodProxy(async::IoExecutor& executor, std::shared_ptr<const net::TlsContext> tls,
           std::vector<std::string> address_types);
  ~PodProxy();
  async::Task<net::Response> handle(Call& call);

 private:
  struct State;
  struct Target;
  Result<Target> kubelet_of(Call& call, std::string_view node_name) const;
  async::Task<net::Response> proxy_to_kubelet(Call& call);
  async::Task<net::Response> connect_streams(Call& call, const Target& target,
                                             const std::string& pod, const std::string& container);

  std::unique_ptr<State> state_;
};

}  // namespace kpp::apiserver
