#include "store/sqlite/database.h"

#include <sqlite3.h>

#include <cstring>

namespace kpp::store {
namespace {

constexpr int kBusyMilliseconds = 5000;  // someone inspects the file with a shell

}  // namespace

Status damaged(std::string_view file, std::string_view how) {
  return Status(
      Reason::kCorrupt,
      cat("data file ", file, " is damaged (", how,
          "): keep a copy of its directory, then restore the directory from a backup, or save "
          "what can still be read with: sqlite3 ",
          file, " .recover"));
}

Status sqlite_status(sqlite3* handle, int code) {
  const char* name = sqlite3_db_filename(handle, "main");
  const std::string_view file = name == nullptr ? "" : name;
  const int primary = code & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) {
    return damaged(file, sqlite3_errstr(code));
  }
  std::string message = cat("data file ", file, ": ", sqlite3_errmsg(handle));
  const int system_error = sqlite3_system_errno(handle);
  if (primary == SQLITE_FULL) {
    message += "; make room, writes go on by themselves then";
  } else if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) && system_error != 0) {
    message += cat(" (", std::strerror(system_error), ")");
  }
  return Status(Reason::kIo, std::move(message));
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
}

void Statement::bind_text(int index, std::string_view value) {
  sqlite3_bind_text64(statement_.get(), index, value.data(), value.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
}

void Statement::bind_blob(int index, std::string_view value) {
  // A null pointer would bind NULL, not an empty blob.
  sqlite3_bind_blob64(statement_.get(), index, value.empty() ? "" : value.data(), value.size(),
                      SQLITE_STATIC);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(sqlite_status(sqlite3_db_handle(statement_.get()), code));
}

Status Statement::run() {
  auto row = step();
  reset();
  return row ? Status() : std::move(row).error();
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Connection::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Result<Connection> Connection::open(const std::string& file, Use use) {
  Connection out;
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  out.handle_.reset(handle);
  if (code != SQLITE_OK) {
    return handle != nullptr ? fail(sqlite_status(handle, code))
                             : fail(Reason::kIo, cat("data file ", file, ": out of memory"));
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  // Checkpoints are the checkpointer's; the file of the log is kept at a size that need not grow
  // again.
  KPP_RETURN_IF_ERROR(
      out.execute("PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=FULL;"
                  "PRAGMA journal_size_limit=67108864"));
  if (use == Use::kRead) KPP_RETURN_IF_ERROR(out.execute("PRAGMA query_only=1"));
  return out;
}

Status Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : sqlite_status(handle_.get(), code);
}

Result<Statement> Connection::prepare(std::string_view sql) {
  Statement out;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  out.statement_.reset(statement);
  if (code != SQLITE_OK) return fail(sqlite_status(handle_.get(), code));
  return out;
}

Result<std::int64_t> Connection::query_number(std::string_view sql) {
  KPP_ASSIGN(Statement statement, prepare(sql));
  KPP_ASSIGN(const bool row, statement.step());
  return row ? statement.number(0) : 0;
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

}  // namespace kpp::store
