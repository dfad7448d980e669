// The revisioned key-value store under the API server. Implementations: sqlite/ (embedded)
// and etcd/ (shared by several servers); the contract suite in testing/ runs against each.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "store/types.h"

namespace kpp::store {

// Events of a key prefix from one revision on.
//
// Guarantees: every event after `from`, once, in order of revision; events of one revision never
// split.
// Ownership: must go before the store's executor does.
class Watch {
 public:
  virtual ~Watch() = default;  // ends it
  // Waits for events or for the revision to move on. kExpired when the watch fell behind what the
  // store keeps in memory or the revision was compacted; kCanceled when stopped or the store
  // closes.
  virtual async::Task<Result<WatchBatch>> next(async::StopToken stop) = 0;
};

// Guarantees: a write that was answered is on disk (fsync) and survives kill -9 and power loss;
//   writes are linearizable; a watch sees a write only after it is durable. Other processes may
//   write to the same store, if it is one that is shared.
// Runs on: the executor given at construction.
// Errors: kConflict (expected_revision differs and the key exists), kNotFound (expected but gone),
//   kAlreadyExists (expected 0 but there), kExpired (revision compacted), kIo, kCorrupt; kUnknown
//   with the store's own words when a shared store could not be asked or refused. Then a write may
//   have been done all the same.
class Store {
 public:
  virtual ~Store() = default;

  virtual async::Task<Result<Revision>> write(Write write, async::StopToken stop) = 0;
  // nullopt if there is no such key.
  virtual async::Task<Result<std::optional<Entry>>> get(std::string key, async::StopToken stop) = 0;
  virtual async::Task<Result<RangeResult>> range(RangeOptions options, async::StopToken stop) = 0;
  // Events after revision `from` (0: from now) of keys that begin with the prefix.
  virtual Result<std::unique_ptr<Watch>> watch(std::string prefix, Revision from) = 0;
  // Other processes may write to it too.
  virtual bool shared() const = 0;
  // The newest durable revision, whoever wrote it.
  virtual async::Task<Result<Revision>> newest(async::StopToken stop) = 0;
  // The newest durable revision that this process knows of.
  virtual Revision revision() const = 0;
  // The oldest revision that can still be read or watched from, as far as this process knows.
  virtual Revision compacted_revision() const = 0;
  // True if this process is to compact now: of those that ask once an interval, one at a time is.
  // `revision` is what it is going to compact to.
  virtual async::Task<Result<bool>> claim_compaction(Revision revision, async::StopToken stop) = 0;
  // Forgets what was overwritten or deleted before `revision`.
  virtual async::Task<Status> compact(Revision revision, async::StopToken stop) = 0;
  // Stops taking writes, finishes those in flight, releases files. Idempotent.
  virtual async::Task<void> close() = 0;
};

}  // namespace kpp::store
