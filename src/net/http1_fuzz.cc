#include <cstdint>
#include <cstdlib>

#include "net/http1.h"

// Heads and chunked bodies: whole and byte by byte must agree.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kpp::net::http1;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t scanned = 0;
  if (const std::size_t head = find_head_end(text, scanned); head != 0) {
    RequestHead request;
    (void)parse_request_head(text.substr(0, head), request);
    ResponseHead response;
    (void)parse_response_head(text.substr(0, head), response);
  }
  ChunkDecoder whole;
  std::string body;
  const auto read = whole.feed(text, body, size + 1);
  ChunkDecoder bytes;
  std::string same;
  bool good = true;
  for (std::size_t i = 0; i < size && good && !bytes.done(); ++i) {
    good = bytes.feed(text.substr(i, 1), same, 1).has_value();
  }
  if (good != read.has_value() || body != same || whole.done() != bytes.done()) std::abort();
  return 0;
}
