// An executor for tests of code that uses threads: the test's own thread runs the work until a task
// is done.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "async/executor.h"
#include "async/scope.h"
#include "async/task.h"

namespace kpp::store::testing {

// Runs what is posted, what sockets have and the timers that are due while a test waits in run() or
// wait().
class PumpExecutor final : public async::Executor {
 public:
  // A task that runs in the background; keep it until it is done.
  template <class T>
  struct Started {
    std::unique_ptr<std::optional<T>> value = std::make_unique<std::optional<T>>();
    bool done() const { return value->has_value(); }
  };

  PumpExecutor() : scope_(*this) {}
  TimePoint steady() const override { return io_.steady(); }
  WallTime wall() const override { return io_.wall(); }
  void post(async::Work work) override { io_.post(std::move(work)); }
  async::TimerId call_at(TimePoint when, async::Work work) override {
    return io_.call_at(when, std::move(work));
  }
  void cancel(async::TimerId id) override { io_.cancel(id); }
  // The same executor, for who needs sockets.
  async::IoExecutor& io() { return io_; }

  template <class T>
  Started<T> start(async::Task<T> task) {
    Started<T> out;
    scope_.spawn(keep(std::move(task), out.value.get()));
    return out;
  }
  template <class T>
  T wait(Started<T>& started) {
    while (!started.done()) io_.context().run_one();
    return std::move(**started.value);
  }
  template <class T>
  T run(async::Task<T> task) {
    auto started = start(std::move(task));
    return wait(started);
  }
  void run(async::Task<void> task) { (void)run(as_bool(std::move(task))); }
  // Runs what is ready, without waiting for more.
  void drain() {
    while (io_.context().poll() > 0) {
    }
  }

 private:
  template <class T>
  static async::Task<void> keep(async::Task<T> task, std::optional<T>* out) {
    out->emplace(co_await std::move(task));
  }
  static async::Task<bool> as_bool(async::Task<void> task) {
    co_await std::move(task);
    co_return true;
  }

  async::IoExecutor io_;
  async::Scope scope_;
};

}  // namespace kpp::store::testing
