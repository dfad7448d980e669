#include "process.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <thread>

#include "async/scope.h"
#include "async/wait.h"
#include "linux/program_pages.h"

namespace kpp::cmd {
namespace {

// Blocks the signals in all threads and hands them to the executor.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void watch(async::Executor& executor, async::StopSource& stop) {
    thread_ = std::thread([this, &executor, &stop] {
      int signal = 0;
      while (sigwait(&set_, &signal) == 0 && !ended_) {
        executor.post([&stop] { stop.request_stop(); });
      }
    });
  }
  ~Signals() {
    if (!thread_.joinable()) return;
    ended_ = true;
    pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
  }

 private:
  sigset_t set_{};
  std::thread thread_;
  std::atomic<bool> ended_ = false;
};

constexpr Duration kFirstGivenBack = std::chrono::seconds(2);
constexpr Duration kLastGivenBack = std::chrono::minutes(10);

// What only the start has used of the program leaves the memory of the process soon after it, and
// what other rare work has used later: ever more seldom, since each time costs a page fault for
// what is still in use.
async::Task<void> stay_small(async::Executor& executor, async::StopToken stop) {
  for (Duration pause = kFirstGivenBack;; pause = std::min(pause * 2, kLastGivenBack)) {
    const bool slept = co_await async::sleep_for(executor, pause, stop);
    if (!slept) co_return;
    sys::give_back_program_pages();
  }
}

async::Task<void> drive(std::function<async::Task<Status>(Process&)>* body, Process* process,
                        Status* result) {
  async::Scope background(process->executor);
  background.spawn(stay_small(process->executor, background.stop_token()));
  *result = co_await (*body)(*process);
  background.request_stop();
  co_await background.join();
  process->executor.stop();
}

}  // namespace

int report(const std::string& component, const Status& status) {
  if (status.ok() || status.is(Reason::kCanceled)) return 0;
  std::fprintf(stderr, "%s: %s\n", component.c_str(), status.message().c_str());
  return status.is(Reason::kInvalid) ? 2 : 1;
}

int run_process(int verbosity, const std::string& component,
                std::function<async::Task<Status>(Process&)> body) {
  Signals signals;
  LogSink sink(STDERR_FILENO, verbosity);
  async::IoExecutor executor;
  async::ThreadPool pool(4);
  async::StopSource stop;
  signals.watch(executor, stop);
  Process process{executor, pool, Logger(sink, component), stop.token()};
  async::Scope scope(executor);
  Status result;
  scope.spawn(drive(&body, &process, &result));
  executor.run();
  return report(component, result);
}

}  // namespace kpp::cmd
