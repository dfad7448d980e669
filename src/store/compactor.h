// Compacting the store from time to time.
#pragma once

#include <chrono>

#include "async/executor.h"
#include "async/scope.h"
#include "base/log.h"
#include "store/store.h"

namespace kpp::store {

inline constexpr std::chrono::minutes kCompactionInterval{5};

// Compacts, every interval, to the revision of an interval ago: whoever read or watched within it
// can go on.
//
// Guarantees: a compaction that failed is logged and made up for by the next.
// Ownership: the executor, the store and the log's sink must outlive it.
// Runs on: the executor.
// Stop: stop(); a compaction at work is waited for.
class Compactor {
 public:
  Compactor(async::Executor& executor, Store& store, Logger log,
            Duration interval = kCompactionInterval)
      : executor_(executor),
        store_(store),
        log_(std::move(log)),
        interval_(interval),
        scope_(executor) {}

  void start() { scope_.spawn(run()); }
  async::Task<void> stop();

 private:
  async::Task<void> run();
  async::Task<Status> compact(Revision revision, async::StopToken stop);

  async::Executor& executor_;
  Store& store_;
  const Logger log_;
  const Duration interval_;
  async::Scope scope_;
};

}  // namespace kpp::store
