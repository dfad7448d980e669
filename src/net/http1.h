// HTTP/1.1 as text: heads of requests and answers, and chunked bodies. Strict about framing, so
// that no two readers of one connection see different messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace kpp::net::http1 {

// How a body ends.
struct Framing {
  bool chunked = false;
  std::optional<std::uint64_t> length;
};

struct RequestHead {
  std::string method;
  std::string target;
  int minor_version = 1;
  Headers headers;
  Framing framing;  // neither: no body
  bool keep_alive = true;
  bool upgrade = false;          // Connection: Upgrade
  bool expect_continue = false;  // the client waits for 100
};

struct ResponseHead {
  int status = 0;
  int minor_version = 1;
  Headers headers;
  Framing
      framing;  // neither: until the end of the connection, unless the status or method has no body
  bool keep_alive = true;
};

// Why a head was refused, and the answer to that. The texts are those of Go's net/http.
struct Refusal {
  int status = 400;
  std::string text;  // behind the status text: ": missing required Host header"
};

// The size of the head with its empty line, or 0 if its end has not come yet. `scanned` remembers
// how far the search got; start with 0.
std::size_t find_head_end(std::string_view text, std::size_t& scanned);

// `head` is the text up to and with the empty line.
std::optional<Refusal> parse_request_head(std::string_view head, RequestHead& out);
Status parse_response_head(std::string_view head, ResponseHead& out);

// Takes a chunked body apart.
class ChunkDecoder {
 public:
  // Reads from the front of `in` and appends data to `out`, at most `limit` bytes; the number of
  // bytes read. Fewer than in.size() once done() or after an error, or with the limit reached.
  Result<std::size_t> feed(std::string_view in, std::string& out, std::size_t limit);
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State {
    kSize,
    kExtension,
    kSizeEnd,
    kData,
    kDataCr,
    kDataLf,
    kTrailer,
    kTrailerLine,
    kTrailerCr,
    kDone
  };
  State state_ = State::kSize;
  std::uint64_t left_ = 0;
  int digits_ = 0;
  bool line_has_text_ = false;
  std::size_t overhead_ = 0;  // extensions and trailers
};

std::string_view status_text(int status);

}  // namespace kpp::net::http1
