// Where coroutines run. One executor is one thread; business objects live on one and need no locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace boost::asio {
class io_context;
}

namespace kpp::async {

using Work = std::move_only_function<void()>;
using TimerId = std::uint64_t;

// Runs work in the order posted, and timers.
//
// Guarantees: work never runs inside post(), call_at() or cancel(). A cancelled timer does not run.
// Runs on: post() is thread-safe; everything else only on the executor's own thread.
class Executor : public Clock {
 public:
  virtual void post(Work work) = 0;
  virtual TimerId call_at(TimePoint when, Work work) = 0;
  // No effect if the timer has run.
  virtual void cancel(TimerId id) = 0;
};

// The timers of an executor, by time and then by order of making. Not thread-safe.
class TimerQueue {
 public:
  TimerId add(TimePoint when, Work work);
  void cancel(TimerId id);
  bool empty() const { return by_time_.empty(); }
  TimePoint earliest() const { return by_time_.begin()->first.first; }
  // Takes out the earliest timer's work, if it is due.
  bool take_due(TimePoint now, Work& out);

 private:
  std::map<std::pair<TimePoint, TimerId>, Work> by_time_;
  std::map<TimerId, TimePoint> by_id_;
  TimerId next_ = 1;
};

// An executor on the thread that calls run(), over Asio's reactor; src/net waits for sockets with
// context().
class IoExecutor final : public Executor {
 public:
  IoExecutor();
  ~IoExecutor() override;
  IoExecutor(const IoExecutor&) = delete;
  IoExecutor& operator=(const IoExecutor&) = delete;

  TimePoint steady() const override;
  WallTime wall() const override;
  void post(Work work) override;
  TimerId call_at(TimePoint when, Work work) override;
  void cancel(TimerId id) override;

  // Runs until stop(). Call from one thread only.
  void run();
  // Makes run() return after the work at hand. Thread-safe.
  void stop();
  boost::asio::io_context& context();

 private:
  struct State;
  void arm();
  std::unique_ptr<State> state_;
};

// An executor that a test drives, on virtual time.
class ManualExecutor final : public Executor {
 public:
  TimePoint steady() const override { return clock_.steady(); }
  WallTime wall() const override { return clock_.wall(); }
  void post(Work work) override;
  TimerId call_at(TimePoint when, Work work) override { return timers_.add(when, std::move(work)); }
  void cancel(TimerId id) override { timers_.cancel(id); }

  // Runs all posted work and due timers, and what they post, until nothing is ready. Waits for no
  // other thread.
  void run_until_idle();
  // Moves time forward timer by timer, running everything on the way.
  void advance(Duration by);

 private:
  VirtualClock clock_;
  TimerQueue timers_;
  std::mutex mutex_;
  std::vector<Work> posted_;  // guarded by mutex_
};

// Threads for calls that block (fsync, mount, waiting for a child).
//
// Guarantees: work runs in the order posted, on up to `threads` threads, which start when first
// needed. Stop: the destructor runs what is queued, then joins.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  void post(Work work);  // thread-safe

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kpp::async
