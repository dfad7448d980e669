#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/spdy.h"
#include "net/spdy_headers.h"
#include "net/websocket.h"

namespace {

// What a decoder says of the bytes, fed whole or one by one.
template <class Decoder>
std::string told(std::string_view bytes, std::size_t piece) {
  Decoder decoder;
  std::string out;
  while (!bytes.empty()) {
    decoder.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (true) {
      auto frame = decoder.next();
      if (!frame) return out + "refused";
      if (!*frame) break;
      out += (*frame)->payload + (((*frame)->last) ? '!' : '.');
    }
  }
  return out;
}

}  // namespace

// WebSocket and SPDY frames: whole and byte by byte must agree.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kpp::net;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (told<WebSocketDecoder>(bytes, size) != told<WebSocketDecoder>(bytes, 1)) std::abort();
  if (told<SpdyDecoder>(bytes, size) != told<SpdyDecoder>(bytes, 1)) std::abort();
  SpdyHeaderReader headers;
  (void)headers.read(bytes);
  return 0;
}
