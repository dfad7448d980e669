// The one thread that changes the data file.
//
// Layout of the file (docs/formats/store.md):
//   log(revision, key, create_revision, previous_revision)  a row for each write; create_revision
//   0: it deleted the key value(revision, data)                                   the bytes of each
//   write that was no deletion meta(name, number)                                      'compacted':
//   the oldest revision that can be read
// Both tables grow at their end only, so that a write costs two inserts beside the last ones. Which
// keys there are is kept in memory and read from `log`, which has no values in it, when the file is
// opened.
#pragma once

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "async/executor.h"
#include "async/stop.h"
#include "store/sqlite/checkpointer.h"
#include "store/sqlite/database.h"
#include "store/sqlite/key_index.h"
#include "store/sqlite/watch_hub.h"

namespace kpp::store {

// A write that waits for its commit; lives in the frame of the coroutine that waits.
struct WriteCall {
  Write write;
  std::int64_t expires = 0;  // seconds since 1970; 0: never
  Result<Revision> result = 0;
  std::coroutine_handle<> waiting;
};

struct CompactCall {
  Revision revision = 0;
  Status result;
  std::coroutine_handle<> waiting;
};

// Commits writes in the order given, many in one transaction, and compacts in between in slices.
//
// Guarantees: a call is answered after the transaction that it is in is on disk; its event is
// published before that. A
//   guard that does not hold fails its own call only. When a transaction fails, all calls in it
//   fail, nothing of them is visible, and the next is tried afresh.
// Ownership: the index, the positions and the executor must outlive it; the hub is shared.
// Runs on: submit() and stop() on the executor; the rest on its own thread, which alone changes the
// index. Stop: stop() lets queued writes be committed and joins; what a compaction had yet to
// delete is deleted when the file
//   is opened next.
class Writer {
 public:
  struct Shared {
    async::Executor& executor;
    KeyIndex& index;
    std::atomic<Revision>& current;
    std::atomic<Revision>& compacted;
    std::shared_ptr<WatchHub> hub;
  };

  static Result<std::unique_ptr<Writer>> start(Connection connection, Checkpointer& checkpointer,
                                               Shared shared);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // The call must stay where it is until it is resumed.
  void submit(WriteCall& call);
  void submit(CompactCall& call);
  void stop();

 private:
  struct Statements {
    Statement begin, commit, rollback, log, value, lease, delete_log, delete_value, delete_lease,
        compacted;
  };
  // What a batch will have changed once it is committed.
  struct Batch;
  // How far the compaction at work is.
  struct Compaction {
    Revision upto = 0;
    std::optional<std::string> cursor;
    bool index_done = false;
    std::deque<Revision> doomed;  // rows that nothing refers to any more
    CompactCall* call = nullptr;  // nullptr: what an earlier process left
  };

  Writer(Connection connection, Checkpointer& checkpointer, Shared shared, Statements statements);
  static Result<Statements> prepare(Connection& connection);
  void loop();
  void commit(const std::vector<WriteCall*>& calls);
  Result<Revision> add(const WriteCall& call, Batch& batch);
  Status insert(const Write& write, const KeyIndex::Change& change, Revision previous);
  Status begin_compaction(CompactCall* call);
  void compact_slice();
  void finish_compaction(Status status);
  // Runs the statements of a transaction between begin and commit; rolls back if any fails.
  template <class F>
  Status transact(F body);
  void after_commit();
  // Wakes the thread once all that is ready on the executor has run: what that submits too goes
  // into one transaction.
  void notify_later();

  Connection connection_;
  Checkpointer& checkpointer_;
  const Shared shared_;
  Statements statements_;
  std::optional<Compaction> compaction_;
  int log_pages_ = 0;
  bool checkpoint_requested_ = false;
  bool notifying_ = false;  // of the executor's thread

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<WriteCall*> writes_;      // guarded by mutex_
  std::deque<CompactCall*> compacts_;  // guarded by mutex_
  bool stopping_ = false;              // guarded by mutex_
  std::thread thread_;
};

}  // namespace kpp::store
