// Waiting: sleep, Event, Channel, Semaphore, offload to a thread pool, all, with_timeout.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "async/executor.h"
#include "async/scope.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"

namespace kpp::async {

// Suspends until a wake(), a time-out or a stop, whichever is first. The building block of what
// follows; for one waiter at a time. Runs on: its executor only.
class Waiter {
 public:
  enum class Outcome { kWoken, kTimedOut, kStopped };

  explicit Waiter(Executor& executor) : executor_(executor) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  Task<Outcome> wait(StopToken stop) { return wait_until(std::nullopt, std::move(stop)); }
  Task<Outcome> wait_for(Duration timeout, StopToken stop) {
    return wait_until(executor_.steady() + timeout, std::move(stop));
  }
  Task<Outcome> wait_until(std::optional<TimePoint> deadline, StopToken stop);
  // Resumes the waiter from the executor's queue. Kept for the next wait if nobody waits.
  void wake() { finish(Outcome::kWoken); }

 private:
  void finish(Outcome outcome);

  Executor& executor_;
  std::coroutine_handle<> waiting_;
  std::optional<Outcome> outcome_;
};

// Sleeps; false if stopped before the time was over.
Task<bool> sleep_for(Executor& executor, Duration time, StopToken stop);

// Goes to the end of the executor's queue, so that other work runs first.
Task<void> yield(Executor& executor);

// A flag that many can wait for. Runs on: its executor only.
class Event {
 public:
  explicit Event(Executor& executor) : executor_(executor) {}
  bool is_set() const { return set_; }
  void set();
  void reset() { set_ = false; }
  // Wakes the present waiters without setting the flag.
  void pulse();
  // True once set (or pulsed); false if stopped first.
  Task<bool> wait(StopToken stop);
  // False if the time passed or a stop came first.
  Task<bool> wait_for(Duration timeout, StopToken stop);

 private:
  Executor& executor_;
  bool set_ = false;
  std::list<Waiter*> waiters_;
};

// Values from senders to receivers, in order. Runs on: its executor only.
template <class T>
class Channel {
 public:
  // A capacity of 0 is no limit.
  explicit Channel(Executor& executor, std::size_t capacity = 0)
      : capacity_(capacity), readable_(executor), writable_(executor) {}

  // False when full or closed.
  bool try_send(T value) {
    if (closed_ || (capacity_ != 0 && queue_.size() >= capacity_)) return false;
    queue_.push_back(std::move(value));
    readable_.pulse();
    return true;
  }
  // Waits for room; false when closed or stopped.
  Task<bool> send(T value, StopToken stop) {
    while (!closed_ && capacity_ != 0 && queue_.size() >= capacity_) {
      const bool woken = co_await writable_.wait(stop);
      if (!woken) co_return false;
    }
    co_return try_send(std::move(value));
  }
  // The next value; nullopt when closed and empty, or stopped.
  Task<std::optional<T>> receive(StopToken stop) {
    while (queue_.empty()) {
      if (closed_) co_return std::nullopt;
      const bool woken = co_await readable_.wait(stop);
      if (!woken) co_return std::nullopt;
    }
    std::optional<T> out(std::move(queue_.front()));
    queue_.pop_front();
    writable_.pulse();
    co_return out;
  }
  std::optional<T> try_receive() {
    if (queue_.empty()) return std::nullopt;
    std::optional<T> out(std::move(queue_.front()));
    queue_.pop_front();
    writable_.pulse();
    return out;
  }
  // Receivers drain what is queued, then see the end.
  void close() {
    closed_ = true;
    readable_.pulse();
    writable_.pulse();
  }
  bool closed() const { return closed_; }
  std::size_t size() const { return queue_.size(); }

 private:
  std::size_t capacity_;
  bool closed_ = false;
  std::deque<T> queue_;
  Event readable_;
  Event writable_;
};

// Permits for at most `permits` holders at a time. Runs on: its executor only.
class Semaphore {
 public:
  Semaphore(Executor& executor, int permits) : permits_(permits), freed_(executor) {}
  // True with a permit, which release() gives back; false if stopped first.
  Task<bool> acquire(StopToken stop);
  void release() {
    ++permits_;
    freed_.pulse();
  }

 private:
  int permits_;
  Event freed_;
};

// Runs fn, which blocks, on the pool and gives its value back on the executor. fn must not touch
// what lives on the executor. Cannot be stopped: give fn a deadline of its own.
template <class F>
Task<std::invoke_result_t<F>> offload(Executor& executor, ThreadPool& pool, F fn) {
  using R = std::invoke_result_t<F>;
  struct Awaiter {
    Executor& executor;
    ThreadPool& pool;
    F fn;
    std::optional<R> result;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      pool.post([this, waiting] {
        result.emplace(fn());
        executor.post([waiting] { waiting.resume(); });
      });
    }
    R await_resume() { return std::move(*result); }
  };
  Awaiter awaiter{executor, pool, std::move(fn), std::nullopt};
  co_return co_await awaiter;
}

// Runs all tasks at the same time; done when the last is.
Task<void> all(Executor& executor, std::vector<Task<void>> tasks);

}  // namespace kpp::async
