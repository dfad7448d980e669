// For tests: runs coroutines against real sockets on a loopback address.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "async/executor.h"
#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"
#include "net/x509.h"

namespace kpp::net::testing {

// An executor with a log that only shows errors. Ends the process if a test takes a minute.
class Loopback {
 public:
  Loopback() : sink_(2), log_(sink_, "test") {}

  async::IoExecutor& executor() { return executor_; }
  const Logger& log() const { return log_; }

  // Runs the task to its end.
  void run(async::Task<void> task) {
    async::Scope scope(executor_);
    scope.spawn(finish(std::move(task)));
    const auto timer = executor_.call_at(executor_.steady() + std::chrono::minutes(1),
                                         [] { KPP_CHECK(false, "a test takes too long"); });
    executor_.run();
    executor_.cancel(timer);
  }

 private:
  async::Task<void> finish(async::Task<void> task) {
    co_await std::move(task);
    executor_.post([this] { executor_.stop(); });
  }

  LogSink sink_;
  Logger log_;
  async::IoExecutor executor_;
};

// Certificates of one CA, valid now.
struct Certificates {
  x509::KeyPair ca;
  x509::KeyPair server;  // for localhost and 127.0.0.1
  x509::KeyPair client;  // CN alice, O readers and writers

  static Certificates make() {
    const WallTime now = SystemClock().wall();
    const x509::Validity validity{now - std::chrono::hours(1), now + std::chrono::hours(24)};
    Certificates out;
    out.ca = x509::make_ca("test-ca", validity).value();
    out.server = x509::issue(out.ca, {"server", {}, {"localhost"}, {"127.0.0.1"}}, {.server = true},
                             validity)
                     .value();
    out.client =
        x509::issue(out.ca, {"alice", {"readers", "writers"}, {}, {}}, {.client = true}, validity)
            .value();
    return out;
  }
};

}  // namespace kpp::net::testing
