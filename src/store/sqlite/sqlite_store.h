// The embedded store: one SQLite file in a directory of its own. docs/formats/store.md has the
// layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "async/executor.h"
#include "base/log.h"
#include "base/status.h"
#include "store/store.h"

namespace kpp::store {

struct SqliteOptions {
  std::string path;  // the data directory; made (0700) if it is not there
  // What watches find in memory: the newest events, up to both bounds.
  std::size_t recent_events = 10'000;
  std::size_t recent_bytes = std::size_t{4} << 20;
  int reader_threads = 2;
  // Most bytes of the data file; a write above it fails with kIo. 0: what the disk holds.
  std::int64_t max_bytes = 0;
  std::optional<Logger> log;  // hears of checkpoints that failed
};

// Opens the store in a directory, making it if it is not there. Blocks. One process at a time may
// have it open.
//
// Ownership: the executor must outlive the store.
// Errors: kIo (in use by another process, or a system call failed), kCorrupt (the file is damaged
// or is not ours). Stop: co_await close() before destroying it; destroying an open store aborts.
Result<std::unique_ptr<Store>> open_sqlite(async::Executor& executor, SqliteOptions options);

}  // namespace kpp::store
