// Registers the node and keeps its status and its lease up to date.
#pragma once

#include <string>

#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"
#include "client/client.h"
#include "kubelet/cri/runtime.h"
#include "kubelet/node/node_events.h"
#include "kubelet/node/node_object.h"

namespace kpp::kubelet {

// Guarantees: the lease is renewed every 10 s, the status written when it changed and every 5
// minutes. While the node is
//   not ready, the runtime is asked every 250 ms.
// Runs on: its executor only.
class NodeAgent {
 public:
  NodeAgent(async::Executor& executor, Runtime& runtime, client::Client& client, Logger log,
            const KubeletOptions& options, Machine machine, NodeEvents& events);
  void start();
  async::Task<void> stop();

  // As the API had them when the status was written last.
  const std::map<std::string, std::string>& node_labels() const { return node_labels_; }
  const std::string& node_uid() const { return node_uid_; }
  bool ready() const { return ready_.is_set(); }
  // Waits until the API has the node as Ready for the first time.
  async::Task<bool> wait_ready(async::StopToken stop) { return ready_.wait(std::move(stop)); }

 private:
  async::Task<void> keep_status();
  async::Task<void> keep_lease();
  async::Task<RuntimeHealth> ask_runtime(async::StopToken stop);
  async::Task<Status> write_status(RuntimeHealth health, async::StopToken stop);
  async::Task<Result<corev1::Node>> get_or_register(RuntimeHealth health, async::StopToken stop);
  async::Task<Status> renew_lease(async::StopToken stop);

  async::Executor& executor_;
  Runtime& runtime_;
  client::Client& client_;
  Logger log_;
  const KubeletOptions& options_;
  const Machine machine_;
  NodeEvents& events_;
  std::string node_uid_;
  std::map<std::string, std::string> node_labels_;
  std::optional<corev1::NodeStatus> written_;
  TimePoint written_at_{};
  async::Event ready_;
  async::Event registered_;
  async::Scope scope_;
};

}  // namespace kpp::kubelet
