// Reading values and history from the file, beside the writer.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "store/sqlite/database.h"
#include "store/sqlite/key_index.h"

namespace kpp::store {

// Answers reads with connections of its own, as many as threads ask at once.
//
// Guarantees: a read at a revision sees exactly the writes up to it, however many are made or
// compacted meanwhile;
//   where compaction took what was asked for, the answer is kExpired.
// Ownership: the index and the two positions must outlive it.
// Runs on: any thread; calls block.
class Reader {
 public:
  struct Chunk {
    std::vector<Event> events;
    Revision scanned = 0;  // every event up to here was looked at
  };

  Reader(std::string file, const KeyIndex& index, const std::atomic<Revision>& current,
         const std::atomic<Revision>& compacted);

  Result<std::optional<Entry>> get(std::string_view key);
  Result<RangeResult> range(const RangeOptions& options);
  // Events after `from` of keys with the prefix, from as many rows as a call should take.
  Result<Chunk> history(std::string_view prefix, Revision from);
  // Closes the connections; no call may be running.
  void close();

 private:
  struct Session {
    Connection connection;
    Statement begin;
    Statement rollback;
    Statement value;
    Statement log;
  };
  class Lease;

  Result<Session> open_session();
  Result<RangeResult> range_at(const RangeOptions& options, Revision at, bool& compacted);
  // The value of a revision; nullptr if there is no such row.
  static Result<Bytes> read_value(Session& session, Revision revision);

  const std::string file_;
  const KeyIndex& index_;
  const std::atomic<Revision>& current_;
  const std::atomic<Revision>& compacted_;
  std::mutex mutex_;
  std::vector<Session> idle_;  // guarded by mutex_
};

// "required revision R has been compacted, the oldest is C".
Status compacted_error(Revision asked, Revision oldest);

}  // namespace kpp::store
