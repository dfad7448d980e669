// Ends pods that use more of the node's disk than they may.
#pragma once

#include "async/scope.h"
#include "kubelet/pods.h"

namespace kpp::kubelet {

// Guarantees: pods with limits on local storage are measured every ten seconds.
// Runs on: its executor; directories are measured on the pool.
class Evictor {
 public:
  Evictor(const PodDeps& deps, Pods& pods) : deps_(deps), pods_(pods), scope_(deps.executor) {}
  Evictor(const Evictor&) = delete;
  Evictor& operator=(const Evictor&) = delete;

  void start() { scope_.spawn(run()); }
  async::Task<void> stop();

 private:
  async::Task<void> run();
  async::Task<void> look(async::StopToken stop);

  const PodDeps& deps_;
  Pods& pods_;
  async::Scope scope_;
};

}  // namespace kpp::kubelet
