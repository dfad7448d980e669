// CRI v1 over Docker Engine.
#pragma once

#include <memory>

#include "dockershim/types.h"

namespace kpp::dockershim {

// Serves the runtime and the image service of CRI v1 on a unix socket.
//
// Guarantees: containers that no sandbox or pod of ours is are never touched. Without an engine the
//   shim serves all the same, and says so; when the engine is back what was half made is removed
//   and logs are followed on.
// Ownership: executor and pool must outlive it.
// Runs on: the executor.
// Stop: stop() lets calls at hand end; containers run on.
class Shim {
 public:
  Shim(async::IoExecutor& executor, async::ThreadPool& pool, Logger log, ShimOptions options);
  ~Shim();
  Shim(const Shim&) = delete;
  Shim& operator=(const Shim&) = delete;

  async::Task<Status> start();
  async::Task<void> stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kpp::dockershim
