// What Docker sends of a container's output, taken apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kpp::dockershim {

// A piece of one of a container's streams.
struct OutputPiece {
  bool is_error = false;  // stderr
  std::string bytes;
};

// Takes apart what attach, exec and logs send for containers without a terminal: eight bytes
// {stream, 0, 0, 0, size} in front of each piece.
//
// Guarantees: at most one piece is gathered; one that would be over kMostBytes is an error.
class OutputFrames {
 public:
  static constexpr std::uint32_t kMostBytes = 16u << 20;

  void feed(std::string_view bytes) { in_ += bytes; }
  // nullopt: more bytes are needed.
  Result<std::optional<OutputPiece>> next();

 private:
  std::string in_;
  std::size_t at_ = 0;
};

// A line of a log, as Docker gives it with `timestamps=1`.
struct LogEntry {
  std::string time;  // RFC 3339 with nanoseconds
  bool is_error = false;
  bool partial = false;  // the line goes on in the next entry
  std::string text;      // without its line feed
};

// The entries of a log.
//
// Guarantees: an entry that is no whole line (Docker cuts lines at 16 KiB) is partial, with and
// without a terminal.
class LogEntries {
 public:
  explicit LogEntries(bool terminal) : terminal_(terminal) {}

  void feed(std::string_view bytes);
  // nullopt: more bytes are needed.
  Result<std::optional<LogEntry>> next();
  // At the end of the log: a last line that no line feed ended.
  std::optional<LogEntry> rest();

 private:
  Result<std::optional<LogEntry>> next_of_terminal();

  const bool terminal_;
  OutputFrames frames_;
  std::string in_;  // of a terminal
};

// As containers' logs are kept for the kubelet: "2026-01-02T15:04:05.000000001Z stdout F text\n".
void write_cri_line(std::string& out, const LogEntry& entry);

}  // namespace kpp::dockershim
