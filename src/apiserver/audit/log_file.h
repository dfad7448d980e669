// The file of the audit log: a line an event, put aside when it is large.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace kpp::apiserver {

struct AuditLogOptions {
  std::string path;            // "-": standard output
  std::size_t max_size = 100;  // megabytes; then the file is put aside under its time
  int max_backups = 100;       // of files put aside; 0: all are kept
  int max_age_days = 366;      // 0: for ever
};

// Guarantees: a line is in the file, if not on the disk, before append() returns.
// Runs on: one thread; append() blocks for a write(2).
// Errors: kIo.
class AuditLogFile {
 public:
  static Result<std::unique_ptr<AuditLogFile>> open(AuditLogOptions options);
  ~AuditLogFile();
  AuditLogFile(const AuditLogFile&) = delete;
  AuditLogFile& operator=(const AuditLogFile&) = delete;

  Status append(std::string_view line, WallTime now);

 private:
  explicit AuditLogFile(AuditLogOptions options) : options_(std::move(options)) {}
  Status open_file();
  Status put_aside(WallTime now);
  void remove_old(WallTime now) const;

  const AuditLogOptions options_;
  int fd_ = -1;
  std::size_t size_ = 0;
};

}  // namespace kpp::apiserver
