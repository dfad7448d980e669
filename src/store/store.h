// The revisioned key-value store under the API server. Implementations: sqlite/ (embedded); the
// contract suite in testing/ runs against each.
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
class Watch {
 public:
  virtual ~Watch() = default;  // ends it
  // The next events, at least one, oldest first. kExpired when the watch fell behind what the store
  // keeps in memory or the revision was compacted; kCanceled when stopped or the store closes.
  virtual async::Task<Result<std::vector<Event>>> next(async::StopToken stop) = 0;
};

// Guarantees: a write that was answered is on disk (fsync) and survives kill -9 and power loss;
// writes are
//   linearizable; a watch sees a write only after it is durable.
// Runs on: the executor given at construction.
// Errors: kConflict (expected_revision differs and the key exists), kNotFound (expected but gone),
// kAlreadyExists
//   (expected 0 but there), kExpired (revision compacted), kIo, kCorrupt.
class Store {
 public:
  virtual ~Store() = default;

  virtual async::Task<Result<Revision>> write(Write write, async::StopToken stop) = 0;
  // nullopt if there is no such key.
  virtual async::Task<Result<std::optional<Entry>>> get(std::string key, async::StopToken stop) = 0;
  virtual async::Task<Result<RangeResult>> range(RangeOptions options, async::StopToken stop) = 0;
  // Events after revision `from` (0: from now) of keys that begin with the prefix.
  virtual Result<std::unique_ptr<Watch>> watch(std::string prefix, Revision from) = 0;
  // The newest durable revision.
  virtual Revision revision() const = 0;
  // The oldest revision that can still be read or watched from.
  virtual Revision compacted_revision() const = 0;
  // Forgets what was overwritten or deleted before `revision`.
  virtual async::Task<Status> compact(Revision revision, async::StopToken stop) = 0;
  // Stops taking writes, finishes those in flight, releases files. Idempotent.
  virtual async::Task<void> close() = 0;
};

}  // namespace kpp::store
