#include "store/sqlite/checkpointer.h"

#include <sqlite3.h>

namespace kpp::store {

Status checkpoint(Connection& connection) {
  const int code = sqlite3_wal_checkpoint_v2(connection.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             nullptr, nullptr);
  // Busy: another checkpoint is at it.
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return {};
  return sqlite_status(connection.raw(), code);
}

Checkpointer::Checkpointer(Connection connection, std::optional<Logger> log)
    : connection_(std::move(connection)), log_(std::move(log)), thread_([this] { loop(); }) {}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Checkpointer::request() {
  {
    const std::lock_guard lock(mutex_);
    requested_ = true;
  }
  changed_.notify_one();
}

bool Checkpointer::idle() {
  const std::lock_guard lock(mutex_);
  return !requested_ && !working_;
}

void Checkpointer::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return requested_ || stopping_; });
    if (stopping_) return;
    requested_ = false;
    working_ = true;
    lock.unlock();
    const Status status = checkpoint(connection_);
    if (!status.ok() && log_) {
      log_->warning("Moving the write-ahead log into the data file failed, will try again",
                    {kv("err", status.message())});
    }
    lock.lock();
    working_ = false;
  }
}

}  // namespace kpp::store
