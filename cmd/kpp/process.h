// A process that runs coroutines until it is told to end by SIGTERM or SIGINT.
#pragma once

#include <functional>
#include <string>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "async/wait.h"
#include "base/log.h"
#include "base/status.h"

namespace kpp::cmd {

struct Process {
  async::IoExecutor& executor;
  async::ThreadPool& pool;
  Logger log;
  async::StopToken stop;  // requested by a signal
};

// Runs `body` on a fresh executor; a signal requests its stop. Answers 0, or 1 after the body's
// error was printed.
int run_process(int verbosity, const std::string& component,
                std::function<async::Task<Status>(Process&)> body);

// Prints "component: message" and answers 1 (2 for wrong flags); 0 for a help that was printed.
int report(const std::string& component, const Status& status);

}  // namespace kpp::cmd
