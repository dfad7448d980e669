// An executor for tests of code that uses threads: the test's own thread runs the work until a task
// is done.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "async/executor.h"
#include "async/scope.h"
#include "async/task.h"

namespace kpp::store::testing {

// Runs what is posted while a test waits in run() or wait(). Time stands still; timers do not fire.
class PumpExecutor final : public async::Executor {
 public:
  // A task that runs in the background; keep it until it is done.
  template <class T>
  struct Started {
    std::unique_ptr<std::optional<T>> value = std::make_unique<std::optional<T>>();
    bool done() const { return value->has_value(); }
  };

  PumpExecutor() : scope_(*this) {}
  TimePoint steady() const override { return clock_.steady(); }
  WallTime wall() const override { return clock_.wall(); }
  void post(async::Work work) override {
    {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(work));
    }
    changed_.notify_one();
  }
  async::TimerId call_at(TimePoint when, async::Work work) override {
    return timers_.add(when, std::move(work));
  }
  void cancel(async::TimerId id) override { timers_.cancel(id); }

  template <class T>
  Started<T> start(async::Task<T> task) {
    Started<T> out;
    scope_.spawn(keep(std::move(task), out.value.get()));
    return out;
  }
  template <class T>
  T wait(Started<T>& started) {
    while (!started.done()) pump();
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
    bool more = true;
    while (more) more = step(false);
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
  void pump() { (void)step(true); }
  bool step(bool wait) {
    std::vector<async::Work> ready;
    {
      std::unique_lock lock(mutex_);
      if (wait) changed_.wait(lock, [this] { return !posted_.empty(); });
      ready.swap(posted_);
    }
    for (auto& work : ready) work();
    return !ready.empty();
  }

  VirtualClock clock_;
  async::TimerQueue timers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<async::Work> posted_;  // guarded by mutex_
  async::Scope scope_;
};

}  // namespace kpp::store::testing
