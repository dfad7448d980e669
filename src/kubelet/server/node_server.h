// What the node answers to the API server: logs, commands in containers, ports, pods.
#pragma once

#include "async/executor.h"
#include "base/log.h"
#include "kubelet/cri/runtime.h"
#include "kubelet/pods.h"
#include "kubelet/server/node_access.h"
#include "net/http.h"

namespace kpp::kubelet {

// Guarantees: nothing is answered to whom NodeAccess refuses.
// Ownership: what it is made of must outlive it.
// Runs on: its executor only.
class NodeHandler final : public net::Handler {
 public:
  NodeHandler(async::IoExecutor& executor, async::ThreadPool& pool, Runtime& runtime,
              const Pods& pods, NodeAccess& access, bool debugging)
      : executor_(executor),
        pool_(pool),
        runtime_(runtime),
        pods_(pods),
        access_(access),
        debugging_(debugging) {}

  async::Task<net::Response> handle(net::Request request, async::StopToken stop) override;

 private:
  async::Task<net::Response> logs(std::vector<std::string> path, net::Query query,
                                  async::StopToken stop);
  async::Task<net::Response> exec(std::vector<std::string> path, net::Request request, bool attach,
                                  async::StopToken stop);
  async::Task<net::Response> port_forward(std::vector<std::string> path, net::Request request,
                                          async::StopToken stop);
  net::Response pod_list() const;

  async::IoExecutor& executor_;
  async::ThreadPool& pool_;
  Runtime& runtime_;
  const Pods& pods_;
  NodeAccess& access_;
  const bool debugging_;  // logs, commands and ports are served
};

}  // namespace kpp::kubelet
