#include "store/sqlite/expirer.h"

#include <algorithm>

namespace kpp::store {
namespace {

std::int64_t seconds_of(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

std::int64_t expiry(WallTime now, std::chrono::seconds ttl) {
  return seconds_of(now) + ttl.count();
}

void Expirer::add(std::string key, Revision revision, std::int64_t at) {
  const auto added = by_time_.emplace(at, std::pair(std::move(key), revision));
  if (added == by_time_.begin()) added_.pulse();
}

async::Task<void> Expirer::run(async::StopToken stop) {
  while (!stop.stop_requested()) {
    if (by_time_.empty()) {
      co_await added_.wait(stop);
    } else {
      const std::chrono::seconds left(by_time_.begin()->first - seconds_of(executor_.wall()));
      co_await added_.wait_for(std::max(left, kTick), stop);
      co_await end_due(stop);
    }
  }
}

async::Task<void> Expirer::end_due(async::StopToken stop) {
  const std::int64_t now = seconds_of(executor_.wall());
  while (!by_time_.empty() && by_time_.begin()->first <= now && !stop.stop_requested()) {
    const auto [at, what] = *by_time_.begin();
    Write end{.key = what.first, .expected_revision = what.second};
    const auto ended = co_await store_.write(std::move(end), stop);
    // Written again since, or gone: not this write's affair any more.
    const bool over =
        ended || ended.error().is(Reason::kConflict) || ended.error().is(Reason::kNotFound);
    if (!over) co_return;
    const auto [begin, behind] = by_time_.equal_range(at);
    for (auto it = begin; it != behind; ++it) {
      if (it->second != what) continue;
      by_time_.erase(it);
      break;
    }
  }
}

}  // namespace kpp::store
