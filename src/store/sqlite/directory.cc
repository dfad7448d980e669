#include "store/sqlite/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/fs.h"

namespace kpp::store {
namespace {

constexpr std::int64_t kApplicationId = 0x6b2b2b01;  // "k++", 1
constexpr std::int64_t kFormat = 1;

Status sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_status(cat("open ", path), errno);
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  return result == 0 ? Status() : errno_status(cat("fsync ", path), error);
}

std::string parent_of(const std::string& path) {
  const auto end = path.find_last_not_of('/');
  const auto slash = path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status io_error(Status status) {
  // A missing part of the path is no answer about a key.
  return Status(Reason::kIo, status.message());
}

// The file with the right mode before SQLite sees it; SQLite gives its side files the same mode.
Status prepare_file(const std::string& directory) {
  const std::string file = data_file(directory);
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return io_error(errno_status(cat("open ", file), errno));
  const int result = ::fchmod(fd, 0600);
  const int error = errno;
  ::close(fd);
  if (result != 0) return io_error(errno_status(cat("chmod ", file), error));
  return sync_directory(directory);
}

// The mode stays in the file; tools that rewrite it may have changed it.
Status use_log(Connection& connection) { return connection.execute("PRAGMA journal_mode=WAL"); }

Status make_tables(Connection& connection) {
  return connection.execute(
      cat("BEGIN IMMEDIATE;"
          "CREATE TABLE log(revision INTEGER PRIMARY KEY, key TEXT NOT NULL,"
          " create_revision INTEGER NOT NULL, previous_revision INTEGER NOT NULL);"
          "CREATE TABLE value(revision INTEGER PRIMARY KEY, data BLOB NOT NULL);"
          "CREATE TABLE meta(name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;"
          "INSERT INTO meta VALUES('compacted', 0);"
          "CREATE VIEW newest AS SELECT key, max(revision) AS revision, create_revision FROM log"
          " GROUP BY key HAVING create_revision > 0;"
          "PRAGMA application_id=",
          kApplicationId, "; PRAGMA user_version=", kFormat, "; COMMIT"));
}

// Not in files of before there were times to live.
Status make_leases(Connection& connection) {
  return connection.execute(
      "CREATE TABLE IF NOT EXISTS lease(revision INTEGER PRIMARY KEY, expires INTEGER NOT NULL)");
}

}  // namespace

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<DirectoryLock> DirectoryLock::acquire(const std::string& directory) {
  if (!fs::exists(directory)) {
    if (auto made = fs::make_directories(parent_of(directory)); !made.ok()) {
      return fail(io_error(std::move(made)));
    }
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail(io_error(errno_status(cat("mkdir ", directory), errno)));
    }
    KPP_RETURN_IF_ERROR(sync_directory(parent_of(directory)));
  }
  const std::string file = cat(directory, "/lock");
  DirectoryLock out;
  out.fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (out.fd_ < 0) return fail(io_error(errno_status(cat("open ", file), errno)));
  if (::flock(out.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return fail(Reason::kIo,
                  cat("data directory ", directory, " is in use by another k++ process"));
    }
    return fail(io_error(errno_status(cat("lock ", file), errno)));
  }
  return out;
}

std::string data_file(const std::string& directory) { return cat(directory, "/store.db"); }

Result<Connection> open_data_file(const std::string& directory) {
  KPP_RETURN_IF_ERROR(prepare_file(directory));
  const std::string file = data_file(directory);
  KPP_ASSIGN(Connection connection, Connection::open(file, Connection::Use::kWrite));
  KPP_ASSIGN(const std::int64_t application, connection.query_number("PRAGMA application_id"));
  if (application == 0) {
    KPP_ASSIGN(const std::int64_t tables,
               connection.query_number("SELECT count(*) FROM sqlite_schema"));
    if (tables == 0) {
      KPP_RETURN_IF_ERROR(use_log(connection));
      KPP_RETURN_IF_ERROR(make_tables(connection));
      KPP_RETURN_IF_ERROR(make_leases(connection));
      return connection;
    }
  }
  if (application != kApplicationId) {
    return fail(Reason::kCorrupt,
                cat("data file ", file, " is no k++ store: name another data directory"));
  }
  KPP_ASSIGN(const std::int64_t format, connection.query_number("PRAGMA user_version"));
  if (format != kFormat) {
    return fail(Reason::kCorrupt,
                cat("data file ", file, " has format ", format, " and this k++ reads format ",
                    kFormat, ": use the k++ that wrote it"));
  }
  KPP_RETURN_IF_ERROR(use_log(connection));
  KPP_RETURN_IF_ERROR(make_leases(connection));
  return connection;
}

}  // namespace kpp::store
