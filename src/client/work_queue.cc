#include "client/work_queue.h"

#include <algorithm>

namespace kpp::client {
namespace {

constexpr Duration kBaseDelay = std::chrono::milliseconds(5);
constexpr Duration kMaxDelay = std::chrono::seconds(1000);

}  // namespace

WorkQueue::~WorkQueue() {
  for (const auto& [key, timer] : delayed_) executor_.cancel(timer.second);
}

void WorkQueue::add(const api::ObjectKey& key) {
  if (closed_ || !dirty_.insert(key).second) return;
  if (processing_.contains(key)) return;  // done() queues it again
  queue_.push_back(key);
  ready_.pulse();
}

void WorkQueue::add_after(const api::ObjectKey& key, Duration delay) {
  if (closed_) return;
  if (delay <= Duration::zero()) {
    add(key);
    return;
  }
  const TimePoint when = executor_.steady() + delay;
  if (const auto it = delayed_.find(key); it != delayed_.end()) {
    if (it->second.first <= when) return;
    executor_.cancel(it->second.second);
    delayed_.erase(it);
  }
  const auto timer = executor_.call_at(when, [this, key] {
    delayed_.erase(key);
    add(key);
  });
  delayed_.emplace(key, std::pair(when, timer));
}

void WorkQueue::add_rate_limited(const api::ObjectKey& key) {
  constexpr int kMaxDoublings = 40;
  const int doublings = std::min(failures_[key]++, kMaxDoublings);
  add_after(key, std::min(kMaxDelay, kBaseDelay * (std::int64_t{1} << std::min(doublings, 24))));
}

int WorkQueue::failures(const api::ObjectKey& key) const {
  const auto it = failures_.find(key);
  return it == failures_.end() ? 0 : it->second;
}

async::Task<std::optional<api::ObjectKey>> WorkQueue::next(async::StopToken stop) {
  while (queue_.empty()) {
    if (closed_) co_return std::nullopt;
    const bool woken = co_await ready_.wait(stop);
    if (!woken) co_return std::nullopt;
  }
  std::optional<api::ObjectKey> key(std::move(queue_.front()));
  queue_.pop_front();
  dirty_.erase(*key);
  processing_.insert(*key);
  co_return key;
}

void WorkQueue::done(const api::ObjectKey& key) {
  processing_.erase(key);
  if (!dirty_.contains(key)) return;
  queue_.push_back(key);
  ready_.pulse();
}

void WorkQueue::close() {
  closed_ = true;
  for (const auto& [key, timer] : delayed_) executor_.cancel(timer.second);
  delayed_.clear();
  ready_.pulse();
}

}  // namespace kpp::client
