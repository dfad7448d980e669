// Thin owners of SQLite's connection and statement, with errors as values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kpp::store {

// A prepared statement. Text and blobs bound must live until the next reset(). Not thread-safe.
class Statement {
 public:
  Statement() = default;
  void bind(int index, std::int64_t value);
  void bind_text(int index, std::string_view value);
  void bind_blob(int index, std::string_view value);
  // True on a row, false at the end.
  Result<bool> step();
  // For statements without rows; resets.
  Status run();
  void reset();
  std::int64_t number(int column) const;
  // Valid until the next step() or reset().
  std::string_view text(int column) const;

 private:
  friend class Connection;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// One connection to the data file.
//
// Runs on: one thread at a time.
// Errors: kCorrupt when SQLite finds the file damaged, kIo for all else.
class Connection {
 public:
  enum class Use { kWrite, kRead };

  Connection() = default;
  // The file must exist.
  static Result<Connection> open(const std::string& file, Use use);
  Status execute(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  // The first column of the first row; 0 if there is none.
  Result<std::int64_t> query_number(std::string_view sql);
  bool in_transaction() const;
  sqlite3* raw() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// The present error of a connection as a Status.
Status sqlite_status(sqlite3* handle, int code);

// What to do about a damaged file, for a message.
Status damaged(std::string_view file, std::string_view how);

}  // namespace kpp::store
