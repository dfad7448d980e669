// A stop that is requested when a time is over, or when another stop is.
#pragma once

#include <optional>

#include "async/executor.h"
#include "async/stop.h"

namespace kpp::dockershim {

// Ownership: the executor must outlive it. Runs on: the executor.
class TimeLimit {
 public:
  // A limit of zero or less is none.
  TimeLimit(async::Executor& executor, Duration limit, const async::StopToken& outer)
      : executor_(executor), limit_(limit), on_stop_(outer, [this] { source_.request_stop(); }) {
    restart();
  }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit() { cancel(); }

  // The whole time is left again.
  void restart() {
    cancel();
    if (limit_ <= Duration::zero() || over_) return;
    timer_ = executor_.call_at(executor_.steady() + limit_, [this] {
      timer_.reset();
      over_ = true;
      source_.request_stop();
    });
  }
  async::StopToken token() const { return source_.token(); }
  bool over() const { return over_; }

 private:
  void cancel() {
    if (timer_) executor_.cancel(*timer_);
    timer_.reset();
  }

  async::Executor& executor_;
  const Duration limit_;
  async::StopSource source_;
  std::optional<async::TimerId> timer_;
  bool over_ = false;
  const async::StopCallback on_stop_;
};

}  // namespace kpp::dockershim
