// Moving the write-ahead log into the data file, off the writer's path.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.h"
#include "store/sqlite/database.h"

namespace kpp::store {

// Copies the log into the data file on a thread of its own, whenever asked.
//
// Guarantees: writers and readers go on meanwhile. A checkpoint that failed is tried again when
// next asked; nothing is
//   lost by it, the log only grows.
// Stop: the destructor lets the checkpoint at hand end.
class Checkpointer {
 public:
  Checkpointer(Connection connection, std::optional<Logger> log);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  void request();  // thread-safe; does not wait
  bool idle();     // thread-safe; what was requested is done

 private:
  void loop();

  Connection connection_;
  const std::optional<Logger> log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool requested_ = false;  // guarded by mutex_
  bool working_ = false;    // guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  std::thread thread_;
};

// Copies what it can of the log without waiting for anyone.
Status checkpoint(Connection& connection);

}  // namespace kpp::store
