// The newest events in memory, and the watches that read them.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "async/executor.h"
#include "async/wait.h"
#include "store/gate.h"
#include "store/sqlite/reader.h"
#include "store/store.h"

namespace kpp::store {

// Keeps the newest events and wakes the watches they concern. Watches read from here; one that
// starts further back reads the file until it has come up to what is kept.
//
// Guarantees: a watch holds no events of its own, so a slow one costs nothing; when what it has yet
// to read is dropped,
//   it ends with kExpired. A watch of a quiet prefix never falls behind.
// Ownership: shared by the store and its watches; a watch may outlive the store.
// Runs on: its executor only.
class WatchHub : public std::enable_shared_from_this<WatchHub> {
 public:
  struct Bounds {
    std::size_t events;
    std::size_t bytes;
  };
  // Reads what is no longer in memory; used only while the gate is open.
  struct History {
    Reader& reader;
    async::ThreadPool& pool;
    const std::atomic<Revision>& compacted;
  };

  WatchHub(async::Executor& executor, std::shared_ptr<Gate> gate, History history, Bounds bounds,
           Revision start);

  // Events must be of consecutive revisions.
  void publish(std::vector<Event> events);
  Result<std::unique_ptr<Watch>> watch(std::string prefix, Revision from);
  // Ends all watches with kCanceled.
  void close();

 private:
  class SqliteWatch;

  Revision last() const { return start_ + static_cast<Revision>(recent_.size()); }
  void trim();

  async::Executor& executor_;
  const std::shared_ptr<Gate> gate_;  // shared with the store
  const History history_;
  const Bounds bounds_;
  std::deque<Event> recent_;  // revisions start_ + 1 to last()
  Revision start_;
  std::size_t bytes_ = 0;
  std::list<SqliteWatch*> watches_;
};

}  // namespace kpp::store
