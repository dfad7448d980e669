#include "dockershim/log_frames.h"

namespace kpp::dockershim {
namespace {

constexpr std::size_t kHead = 8;
// Docker reads lines in pieces of this size.
constexpr std::size_t kPiece = 16 << 10;
// "2006-01-02T15:04:05.000000000Z", which Docker writes with all nine digits.
constexpr std::size_t kTimeSize = 30;

bool looks_like_time(std::string_view text) {
  return text.size() > kTimeSize && text[4] == '-' && text[10] == 'T' && text[19] == '.' &&
         text[kTimeSize - 1] == 'Z' && text[kTimeSize] == ' ';
}

// The time in front; the whole is the text where there is none.
LogEntry entry_of(std::string_view line) {
  LogEntry out;
  const std::size_t space = line.find(' ');
  if (space != std::string_view::npos) {
    out.time = line.substr(0, space);
    line.remove_prefix(space + 1);
  }
  out.partial = !line.ends_with('\n');
  if (!out.partial) line.remove_suffix(1);
  out.text = line;
  return out;
}

}  // namespace

Result<std::optional<OutputPiece>> OutputFrames::next() {
  const std::string_view have = std::string_view(in_).substr(at_);
  std::uint32_t size = 0;
  if (have.size() >= kHead) {
    for (std::size_t i = 4; i < kHead; ++i) size = size << 8 | static_cast<unsigned char>(have[i]);
    if (static_cast<unsigned char>(have[0]) > 3 || size > kMostBytes)
      return fail(Reason::kBadRequest, "malformed output of a container");
  }
  if (have.size() < kHead || have.size() - kHead < size) {
    in_.erase(0, at_);
    at_ = 0;
    return std::nullopt;
  }
  // 3: what went wrong in the engine while it sent.
  if (have[0] == 3) return fail(Reason::kIo, std::string(have.substr(kHead, size)));
  OutputPiece out{have[0] == 2, std::string(have.substr(kHead, size))};
  at_ += kHead + size;
  return out;
}

void LogEntries::feed(std::string_view bytes) {
  if (terminal_)
    in_ += bytes;
  else
    frames_.feed(bytes);
}

Result<std::optional<LogEntry>> LogEntries::next() {
  if (terminal_) return next_of_terminal();
  KPP_ASSIGN(auto piece, frames_.next());
  if (!piece) return std::nullopt;
  LogEntry out = entry_of(piece->bytes);
  out.is_error = piece->is_error;
  return out;
}

// There are no frames: a piece that no line feed ends is followed by the time of the next.
Result<std::optional<LogEntry>> LogEntries::next_of_terminal() {
  const std::size_t end = in_.find('\n');
  const std::size_t space = in_.find(' ');
  const std::size_t cut = space == std::string::npos ? space : space + 1 + kPiece;
  std::size_t size = end == std::string::npos ? end : end + 1;
  if (cut < in_.size() && (end == std::string::npos || cut < end) &&
      looks_like_time(std::string_view(in_).substr(cut))) {
    size = cut;
  }
  if (size == std::string::npos) {
    if (in_.size() > OutputFrames::kMostBytes)
      return fail(Reason::kBadRequest, "a line of a container's log is too long");
    return std::nullopt;
  }
  LogEntry out = entry_of(std::string_view(in_).substr(0, size));
  in_.erase(0, size);
  return out;
}

std::optional<LogEntry> LogEntries::rest() {
  if (in_.empty()) return std::nullopt;
  LogEntry out = entry_of(in_);
  in_.clear();
  return out;
}

void write_cri_line(std::string& out, const LogEntry& entry) {
  out += entry.time;
  out += entry.is_error ? " stderr " : " stdout ";
  out += entry.partial ? "P " : "F ";
  out += entry.text;
  out += '\n';
}

}  // namespace kpp::dockershim
