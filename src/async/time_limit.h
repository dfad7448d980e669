// A stop that comes by itself.
#pragma once

#include "async/executor.h"
#include "async/stop.h"

namespace kpp::async {

// Guarantees: the token is stopped when the time is over or the outer one is stopped, whichever is
// first.
// Ownership: the executor must outlive it. Runs on: the executor only.
class TimeLimit {
 public:
  TimeLimit(Executor& executor, Duration time, const StopToken& outer)
      : executor_(executor),
        timer_(executor.call_at(executor.steady() + time,
                                [this] {
                                  passed_ = true;
                                  source_.request_stop();
                                })),
        outer_(outer, [this] { source_.request_stop(); }) {}
  ~TimeLimit() { executor_.cancel(timer_); }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;

  StopToken token() const { return source_.token(); }
  // True once the time was over.
  bool passed() const { return passed_; }

 private:
  Executor& executor_;
  StopSource source_;
  bool passed_ = false;
  const TimerId timer_;
  const StopCallback outer_;
};

}  // namespace kpp::async
