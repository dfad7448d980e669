#include "async/wait.h"

namespace kpp::async {

void Waiter::finish(Outcome outcome) {
  if (outcome_) return;
  outcome_ = outcome;
  if (!waiting_) return;
  const auto waiting = std::exchange(waiting_, nullptr);
  executor_.post([waiting] { waiting.resume(); });
}

Task<Waiter::Outcome> Waiter::wait_until(std::optional<TimePoint> deadline, StopToken stop) {
  struct Awaiter {
    Waiter& waiter;
    bool await_ready() const { return waiter.outcome_.has_value(); }
    void await_suspend(std::coroutine_handle<> h) { waiter.waiting_ = h; }
    void await_resume() const {}
  };
  TimerId timer = 0;
  if (deadline) timer = executor_.call_at(*deadline, [this] { finish(Outcome::kTimedOut); });
  {
    const StopCallback on_stop(stop, [this] { finish(Outcome::kStopped); });
    co_await Awaiter{*this};
  }
  if (timer != 0) executor_.cancel(timer);
  const Outcome outcome = *outcome_;
  outcome_.reset();
  co_return outcome;
}

Task<bool> sleep_for(Executor& executor, Duration time, StopToken stop) {
  Waiter waiter(executor);
  const auto outcome = co_await waiter.wait_for(time, std::move(stop));
  co_return outcome == Waiter::Outcome::kTimedOut;
}

Task<void> yield(Executor& executor) {
  Waiter waiter(executor);
  executor.post([&waiter] { waiter.wake(); });
  co_await waiter.wait({});
}

void Event::set() {
  set_ = true;
  pulse();
}

void Event::pulse() {
  for (Waiter* waiter : waiters_) waiter->wake();
}

Task<bool> Event::wait(StopToken stop) {
  if (set_) co_return true;
  Waiter waiter(executor_);
  const auto position = waiters_.insert(waiters_.end(), &waiter);
  const auto outcome = co_await waiter.wait(std::move(stop));
  waiters_.erase(position);
  co_return outcome == Waiter::Outcome::kWoken;
}

Task<bool> Event::wait_for(Duration timeout, StopToken stop) {
  if (set_) co_return true;
  Waiter waiter(executor_);
  const auto position = waiters_.insert(waiters_.end(), &waiter);
  const auto outcome = co_await waiter.wait_for(timeout, std::move(stop));
  waiters_.erase(position);
  co_return outcome == Waiter::Outcome::kWoken;
}

Task<bool> Semaphore::acquire(StopToken stop) {
  while (permits_ == 0) {
    const bool woken = co_await freed_.wait(stop);
    if (!woken) co_return false;
  }
  --permits_;
  co_return true;
}

Task<void> all(Executor& executor, std::vector<Task<void>> tasks) {
  Scope scope(executor);
  for (auto& task : tasks) scope.spawn(std::move(task));
  co_await scope.join();
}

}  // namespace kpp::async
