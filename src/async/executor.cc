#include "async/executor.h"

namespace kpp::async {

TimerId TimerQueue::add(TimePoint when, Work work) {
  const TimerId id = next_++;
  by_time_.emplace(std::pair(when, id), std::move(work));
  by_id_.emplace(id, when);
  return id;
}

void TimerQueue::cancel(TimerId id) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return;
  by_time_.erase({it->second, id});
  by_id_.erase(it);
}

bool TimerQueue::take_due(TimePoint now, Work& out) {
  if (by_time_.empty() || by_time_.begin()->first.first > now) return false;
  auto node = by_time_.extract(by_time_.begin());
  by_id_.erase(node.key().second);
  out = std::move(node.mapped());
  return true;
}

void ManualExecutor::post(Work work) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(work));
}

void ManualExecutor::run_until_idle() {
  while (true) {
    std::vector<Work> batch;
    {
      const std::lock_guard lock(mutex_);
      batch.swap(posted_);
    }
    if (batch.empty()) {
      Work due;
      if (!timers_.take_due(clock_.steady(), due)) return;
      batch.push_back(std::move(due));
    }
    for (auto& work : batch) work();
  }
}

void ManualExecutor::advance(Duration by) {
  const TimePoint end = clock_.steady() + by;
  run_until_idle();
  while (!timers_.empty() && timers_.earliest() <= end) {
    if (timers_.earliest() > clock_.steady()) clock_.advance(timers_.earliest() - clock_.steady());
    run_until_idle();
  }
  clock_.advance(end - clock_.steady());
  run_until_idle();
}

}  // namespace kpp::async
