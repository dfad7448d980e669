// Container logs: files in the format of CRI ("TIME stdout F text"), as the logs request shows
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace kpp::kubelet {

struct LogOptions {
  std::optional<std::int64_t> tail_lines;
  std::optional<std::int64_t> limit_bytes;  // of the answer
  std::optional<WallTime> since;
  bool timestamps = false;
  std::string stream;  // "stdout", "stderr"; empty: both
};

struct LogLine {
  std::string_view time, stream, text;
  bool partial = false;  // the line goes on in the next entry
};

// One entry without its line feed; nullopt if it is none.
std::optional<LogLine> parse_log_line(std::string_view line);
// RFC 3339 with up to nine digits of fraction; nullopt if it is none.
std::optional<WallTime> parse_time(std::string_view text);

// Turns entries into what the reader of a log sees. Feed it the file's bytes in any pieces.
class LogFormatter {
 public:
  explicit LogFormatter(LogOptions options) : options_(std::move(options)) {}
  // What the bytes add to the answer.
  std::string feed(std::string_view bytes);
  // The limit of bytes is reached.
  bool full() const { return options_.limit_bytes && written_ >= *options_.limit_bytes; }

 private:
  void add(std::string_view line, std::string& out);

  LogOptions options_;
  std::string rest_;  // the beginning of an entry that is not whole yet
  std::int64_t written_ = 0;
  bool line_open_ = false;  // a partial entry was written
};

// The offset in a file at which its last n lines begin. Blocks.
Result<std::uint64_t> tail_offset(int fd, std::int64_t lines);

// A whole log as text; empty if it cannot be read. Blocks.
std::string read_log_text(const std::string& path, const LogOptions& options);

}  // namespace kpp::kubelet
