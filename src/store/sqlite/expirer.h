// Ends the keys whose time to live is over.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "async/executor.h"
#include "async/wait.h"
#include "store/store.h"

namespace kpp::store {

// Deletes what was written with a time to live, unless it was written again since.
//
// Guarantees: a key is gone within kTick of its time. What could not be deleted is tried again.
// Ownership: executor and store must outlive it; keys are told by the store, which remembers them.
// Runs on: the executor.
class Expirer {
 public:
  static constexpr std::chrono::seconds kTick{1};

  Expirer(async::Executor& executor, Store& store)
      : executor_(executor), store_(store), added_(executor) {}

  // The write of this revision ends at a time: seconds since 1970.
  void add(std::string key, Revision revision, std::int64_t at);
  // Until stopped.
  async::Task<void> run(async::StopToken stop);

 private:
  async::Task<void> end_due(async::StopToken stop);

  async::Executor& executor_;
  Store& store_;
  std::multimap<std::int64_t, std::pair<std::string, Revision>> by_time_;
  async::Event added_;
};

// The time that a write with this time to live ends at.
std::int64_t expiry(WallTime now, std::chrono::seconds ttl);

}  // namespace kpp::store
