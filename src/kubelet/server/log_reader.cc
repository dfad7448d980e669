#include "kubelet/server/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <ctime>

#include "linux/fd.h"

namespace kpp::kubelet {
namespace {

bool number(std::string_view text, std::size_t at, std::size_t digits, int& out) {
  if (text.size() < at + digits) return false;
  const auto result = std::from_chars(text.data() + at, text.data() + at + digits, out);
  return result.ec == std::errc() && result.ptr == text.data() + at + digits;
}

}  // namespace

std::optional<WallTime> parse_time(std::string_view text) {
  std::tm parts{};
  int year = 0;
  int month = 0;
  if (text.size() < 20 || !number(text, 0, 4, year) || !number(text, 5, 2, month) ||
      !number(text, 8, 2, parts.tm_mday) || !number(text, 11, 2, parts.tm_hour) ||
      !number(text, 14, 2, parts.tm_min) || !number(text, 17, 2, parts.tm_sec)) {
    return std::nullopt;
  }
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  std::size_t at = 19;
  std::int64_t nanos = 0;
  if (text[at] == '.') {
    ++at;
    std::int64_t unit = 100'000'000;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      nanos += (text[at++] - '0') * unit;
      unit /= 10;
    }
  }
  std::int64_t offset = 0;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
    int hours = 0;
    int minutes = 0;
    if (!number(text, at + 1, 2, hours) || !number(text, at + 4, 2, minutes)) return std::nullopt;
    offset = (hours * 60 + minutes) * 60 * (text[at] == '-' ? -1 : 1);
  } else if (at >= text.size() || text[at] != 'Z') {
    return std::nullopt;
  }
  const std::int64_t seconds = ::timegm(&parts) - offset;
  return WallTime(Duration(seconds * 1'000'000'000 + nanos));
}

std::optional<LogLine> parse_log_line(std::string_view line) {
  LogLine out;
  const auto first = line.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto third = line.find(' ', second + 1);
  out.time = line.substr(0, first);
  out.stream = line.substr(first + 1, second - first - 1);
  if (out.stream != "stdout" && out.stream != "stderr") return std::nullopt;
  if (third == std::string_view::npos) third = line.size();
  const std::string_view tags = line.substr(second + 1, third - second - 1);
  out.partial = tags.substr(0, tags.find(':')) == "P";
  out.text = third < line.size() ? line.substr(third + 1) : std::string_view();
  return out;
}

void LogFormatter::add(std::string_view line, std::string& out) {
  const auto entry = parse_log_line(line);
  if (!entry) return;
  if (!options_.stream.empty() && entry->stream != options_.stream) return;
  if (options_.since) {
    const auto time = parse_time(entry->time);
    if (!time || *time < *options_.since) return;
  }
  std::string text;
  if (options_.timestamps && !line_open_) {
    text.append(entry->time);
    text += ' ';
  }
  text.append(entry->text);
  if (!entry->partial) text += '\n';
  line_open_ = entry->partial;
  if (options_.limit_bytes) {
    const std::int64_t left = *options_.limit_bytes - written_;
    if (static_cast<std::int64_t>(text.size()) > left)
      text.resize(static_cast<std::size_t>(left < 0 ? 0 : left));
  }
  written_ += static_cast<std::int64_t>(text.size());
  out += text;
}

std::string LogFormatter::feed(std::string_view bytes) {
  std::string out;
  std::size_t from = 0;
  while (from < bytes.size() && !full()) {
    const auto end = bytes.find('\n', from);
    if (end == std::string_view::npos) {
      rest_.append(bytes.substr(from));
      break;
    }
    if (rest_.empty()) {
      add(bytes.substr(from, end - from), out);
    } else {
      rest_.append(bytes.substr(from, end - from));
      add(rest_, out);
      rest_.clear();
    }
    from = end + 1;
  }
  return out;
}

Result<std::uint64_t> tail_offset(int fd, std::int64_t lines) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return fail(errno_status("fstat", errno));
  constexpr std::int64_t kBlock = 32 * 1024;
  std::string block(kBlock, '\0');
  std::int64_t at = info.st_size;
  if (lines <= 0) return static_cast<std::uint64_t>(at);
  std::int64_t seen = 0;
  bool last = true;  // the line feed at the very end closes the last line
  while (at > 0) {
    const std::int64_t from = at > kBlock ? at - kBlock : 0;
    const ssize_t n = ::pread(fd, block.data(), static_cast<std::size_t>(at - from), from);
    if (n < 0) return fail(errno_status("read", errno));
    if (n < at - from) return static_cast<std::uint64_t>(from);
    for (std::int64_t i = n - 1; i >= 0; --i) {
      if (block[static_cast<std::size_t>(i)] != '\n') {
        last = false;
        continue;
      }
      if (last) {
        last = false;
        continue;
      }
      if (++seen == lines) return static_cast<std::uint64_t>(from + i + 1);
    }
    at = from;
  }
  return 0;
}

std::string read_log_text(const std::string& path, const LogOptions& options) {
  const sys::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return {};
  std::uint64_t at = 0;
  if (options.tail_lines) {
    const auto from = tail_offset(fd.get(), *options.tail_lines);
    if (!from) return {};
    at = *from;
  }
  LogFormatter formatter(options);
  std::string out;
  std::string block(64 * 1024, '\0');
  for (;;) {
    const ssize_t n = ::pread(fd.get(), block.data(), block.size(), static_cast<off_t>(at));
    if (n <= 0 || formatter.full()) break;
    at += static_cast<std::uint64_t>(n);
    out += formatter.feed(std::string_view(block.data(), static_cast<std::size_t>(n)));
  }
  return out;
}

}  // namespace kpp::kubelet
