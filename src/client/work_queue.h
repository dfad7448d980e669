// Keys of objects that want work, each handed to one worker at a time.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "api/meta.h"
#include "async/executor.h"
#include "async/wait.h"

namespace kpp::client {

// Guarantees: a key added while it is worked on is handed out again afterwards; a key added many
// times before pick-up
//   is handed out once. add_rate_limited() waits 5 ms, doubled with each failure of the key up to
//   1000 s, as the original's default limiter does, until forget().
// Runs on: its executor only.
// Stop: close() lets queued keys drain; next() then gives nullopt.
class WorkQueue {
 public:
  explicit WorkQueue(async::Executor& executor) : executor_(executor), ready_(executor) {}
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void add(const api::ObjectKey& key);
  void add_after(const api::ObjectKey& key, Duration delay);
  void add_rate_limited(const api::ObjectKey& key);
  void forget(const api::ObjectKey& key) { failures_.erase(key); }
  int failures(const api::ObjectKey& key) const;
  // Waits for a key; the caller must call done() with it.
  async::Task<std::optional<api::ObjectKey>> next(async::StopToken stop);
  void done(const api::ObjectKey& key);
  void close();
  std::size_t size() const { return queue_.size(); }

 private:
  async::Executor& executor_;
  std::deque<api::ObjectKey> queue_;
  std::set<api::ObjectKey> dirty_;
  std::set<api::ObjectKey> processing_;
  std::map<api::ObjectKey, int> failures_;
  std::map<api::ObjectKey, std::pair<TimePoint, async::TimerId>> delayed_;
  async::Event ready_;
  bool closed_ = false;
};

}  // namespace kpp::client
