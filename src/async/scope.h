// Background work belongs to a Scope; there is no detach.
#pragma once

#include <coroutine>
#include <vector>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"

namespace kpp::async {

// Runs tasks in the background and waits for their end.
//
// Guarantees: spawn() starts the task from the executor's queue, never inside the call.
// Runs on: its executor only.
// Stop: request_stop(), then co_await join(); destroying a scope that still has work aborts. After
// request_stop()
//   spawn() drops the task unrun.
class Scope {
 public:
  explicit Scope(Executor& executor) : executor_(executor) {}
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  void spawn(Task<void> task);
  void request_stop() { stop_.request_stop(); }
  StopToken stop_token() const { return stop_.token(); }
  Task<void> join();
  int running() const { return running_; }

 private:
  struct Detached;
  static Detached run(Scope* scope, Task<void> task);
  void finished();

  Executor& executor_;
  StopSource stop_;
  int running_ = 0;
  std::vector<std::coroutine_handle<>> joiners_;
};

}  // namespace kpp::async
