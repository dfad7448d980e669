// The data directory: its lock, its file and the file's format.
#pragma once

#include <string>

#include "base/status.h"
#include "store/sqlite/database.h"

namespace kpp::store {

// Holds a data directory for this process.
//
// Guarantees: while it lives, no other process can open the directory. The directory is 0700 when
// made here, the
//   files 0600.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();
  static Result<DirectoryLock> acquire(const std::string& directory);

 private:
  int fd_ = -1;
};

// Where the data file is in a directory.
std::string data_file(const std::string& directory);

// Opens the connection for writing, having made the data file and its tables if they are not there.
// kCorrupt if the file is something else or of a newer format.
Result<Connection> open_data_file(const std::string& directory);

}  // namespace kpp::store
