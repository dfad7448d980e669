// The node agent: registers the node and runs the pods that are bound to it.
#pragma once

#include <memory>

#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "client/client.h"
#include "kubelet/options.h"
#include "net/x509.h"

namespace kpp::kubelet {

struct KubeletDeps {
  async::IoExecutor& executor;
  async::ThreadPool& pool;  // for file work, mounts and cgroups
  client::Client& client;   // as system:node:<name>
  Logger log;
};

// Guarantees: after start() the node is registered and kept alive by its lease; pods bound to the
// node run in
//   containers of the CRI runtime; their status is written back. Containers that run when the
//   kubelet starts are taken over as they are. A runtime that does not answer makes the node
//   NotReady and is asked again.
// Ownership: what the dependencies name must outlive it.
// Runs on: its executor only.
// Stop: co_await stop() before destruction; containers keep running.
class Kubelet {
 public:
  Kubelet(KubeletDeps deps, KubeletOptions options);
  ~Kubelet();
  Kubelet(const Kubelet&) = delete;
  Kubelet& operator=(const Kubelet&) = delete;

  // Returns once the work is under way; an error only if the options or the node server's address
  // cannot be used.
  async::Task<Status> start();
  async::Task<void> stop();
  // What the node's port is served with: without a certificate in the options, the port is opened
  // at the first call; later calls hold for new connections.
  Status serve_with(const net::x509::KeyPair& pair);

  // True from the first time that the API server accepted the node as Ready.
  bool node_ready() const;
  // Waits for that; false if stopped first.
  async::Task<bool> wait_ready(async::StopToken stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kpp::kubelet
