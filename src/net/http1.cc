#include "net/http1.h"

#include <algorithm>
#include <charconv>

#include "base/cat.h"
#include "net/text.h"

namespace kpp::net::http1 {
namespace {

// Extensions and trailers of one body; far more than anybody sends.
constexpr std::size_t kMaxChunkOverhead = 16 << 10;

bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7F : c == '\t';
  });
}

// Takes a line off the front; its end must be CR LF.
bool take_line(std::string_view& text, std::string_view& line) {
  const auto end = text.find("\r\n");
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line.find('\n') == std::string_view::npos && line.find('\r') == std::string_view::npos;
}

bool parse_fields(std::string_view text, Headers& out) {
  std::string_view line;
  while (take_line(text, line)) {
    if (line.empty()) return text.empty();
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return false;
    const std::string_view value = trim(line.substr(colon + 1));
    if (!is_value(value)) return false;
    out.add(std::string(line.substr(0, colon)), std::string(value));
  }
  return false;
}

std::optional<Refusal> parse_framing(const Headers& headers, Framing& out) {
  bool has_length = false;
  for (const auto& [name, value] : headers.fields()) {
    if (equal_ignoring_case(name, "Transfer-Encoding")) {
      if (out.chunked || !equal_ignoring_case(value, "chunked"))
        return Refusal{501, ": unsupported transfer encoding"};
      out.chunked = true;
    } else if (equal_ignoring_case(name, "Content-Length")) {
      std::uint64_t length = 0;
      const char* const end = value.data() + value.size();
      const auto read = std::from_chars(value.data(), end, length);
      if (value.empty() || read.ec != std::errc() || read.ptr != end) return Refusal{400, ""};
      if (has_length && *out.length != length) return Refusal{400, ""};
      has_length = true;
      out.length = length;
    }
  }
  if (out.chunked && has_length) return Refusal{400, ""};
  return {};
}

// "HTTP/1.0" or "HTTP/1.1".
bool parse_version(std::string_view text, int& minor) {
  if (!text.starts_with("HTTP/1.") || text.size() != 8) return false;
  minor = text[7] - '0';
  return minor == 0 || minor == 1;
}

bool connection_says(const Headers& headers, std::string_view token) {
  for (const auto& [name, value] : headers.fields()) {
    if (equal_ignoring_case(name, "Connection") && list_has(value, token)) return true;
  }
  return false;
}

bool keeps_alive(const Headers& headers, int minor_version) {
  if (connection_says(headers, "close")) return false;
  return minor_version > 0 || connection_says(headers, "keep-alive");
}

}  // namespace

std::size_t find_head_end(std::string_view text, std::size_t& scanned) {
  const auto found = text.find("\r\n\r\n", scanned);
  if (found != std::string_view::npos) return found + 4;
  scanned = text.size() < 3 ? 0 : text.size() - 3;
  return 0;
}

std::optional<Refusal> parse_request_head(std::string_view head, RequestHead& out) {
  std::string_view line;
  if (!take_line(head, line)) return Refusal{400, ""};
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Refusal{400, ""};
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!is_token(line.substr(0, first)) || target.empty() ||
      target.find(' ') != std::string_view::npos || !is_value(target)) {
    return Refusal{400, ""};
  }
  if (!parse_version(line.substr(last + 1), out.minor_version)) {
    if (line.substr(last + 1).starts_with("HTTP/"))
      return Refusal{505, ": unsupported protocol version"};
    return Refusal{400, ""};
  }
  out.method = line.substr(0, first);
  out.target = target;
  if (!parse_fields(head, out.headers)) return Refusal{400, ""};
  if (auto refused = parse_framing(out.headers, out.framing)) return refused;
  const auto hosts = out.headers.all("Host");
  if (hosts.empty() && out.minor_version > 0) return Refusal{400, ": missing required Host header"};
  if (hosts.size() > 1) return Refusal{400, ": too many Host headers"};
  out.keep_alive = keeps_alive(out.headers, out.minor_version);
  out.upgrade = connection_says(out.headers, "upgrade") && !out.headers.get("Upgrade").empty();
  if (const std::string* const expect = out.headers.find("Expect")) {
    if (!equal_ignoring_case(*expect, "100-continue")) return Refusal{417, ""};
    out.expect_continue = out.minor_version > 0;
  }
  return {};
}

Status parse_response_head(std::string_view head, ResponseHead& out) {
  std::string_view line;
  const auto bad = [](std::string_view what) {
    return Status(Reason::kIo, cat("malformed HTTP response: ", what));
  };
  if (!take_line(head, line) || line.size() < 12 || line[8] != ' ' ||
      (line.size() > 12 && line[12] != ' ')) {
    return bad("status line");
  }
  if (!parse_version(line.substr(0, 8), out.minor_version)) return bad("version");
  const auto read = std::from_chars(line.data() + 9, line.data() + 12, out.status);
  if (read.ec != std::errc() || read.ptr != line.data() + 12 || out.status < 100)
    return bad("status code");
  if (!parse_fields(head, out.headers)) return bad("header field");
  if (parse_framing(out.headers, out.framing)) return bad("body framing");
  out.keep_alive = keeps_alive(out.headers, out.minor_version);
  return {};
}

Result<std::size_t> ChunkDecoder::feed(std::string_view in, std::string& out, std::size_t limit) {
  const auto bad = [] { return fail(Reason::kBadRequest, "malformed chunked encoding"); };
  std::size_t at = 0;
  while (at < in.size() && state_ != State::kDone) {
    const char c = in[at];
    switch (state_) {
      case State::kSize: {
        const int digit = hex_digit(c);
        if (digit >= 0) {
          if (++digits_ > 15) return bad();
          left_ = left_ * 16 + static_cast<unsigned>(digit);
        } else {
          if (digits_ == 0) return bad();
          if (c == ';' || c == ' ' || c == '\t')
            state_ = State::kExtension;
          else if (c == '\r')
            state_ = State::kSizeEnd;
          else
            return bad();
        }
        ++at;
        break;
      }
      case State::kExtension:
        if (++overhead_ > kMaxChunkOverhead || c == '\n') return bad();
        if (c == '\r') state_ = State::kSizeEnd;
        ++at;
        break;
      case State::kSizeEnd:
        if (c != '\n') return bad();
        state_ = left_ == 0 ? State::kTrailer : State::kData;
        ++at;
        break;
      case State::kData: {
        if (limit == 0) return at;
        const std::size_t n =
            static_cast<std::size_t>(std::min<std::uint64_t>({left_, in.size() - at, limit}));
        out.append(in, at, n);
        at += n;
        left_ -= n;
        limit -= n;
        if (left_ == 0) state_ = State::kDataCr;
        break;
      }
      case State::kDataCr:
        if (c != '\r') return bad();
        state_ = State::kDataLf;
        ++at;
        break;
      case State::kDataLf:
        if (c != '\n') return bad();
        state_ = State::kSize;
        digits_ = 0;
        ++at;
        break;
      case State::kTrailer:
        line_has_text_ = c != '\r';
        state_ = c == '\r' ? State::kTrailerCr : State::kTrailerLine;
        ++at;
        break;
      case State::kTrailerLine:
        if (++overhead_ > kMaxChunkOverhead || c == '\n') return bad();
        if (c == '\r') state_ = State::kTrailerCr;
        ++at;
        break;
      case State::kTrailerCr:
        if (c != '\n') return bad();
        state_ = line_has_text_ ? State::kTrailer : State::kDone;
        ++at;
        break;
      case State::kDone:
        break;
    }
  }
  return at;
}

std::string_view status_text(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "status code";
  }
}

}  // namespace kpp::net::http1
