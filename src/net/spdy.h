// The frames of SPDY/3.1 as streaming kubelets and runtimes speak it: a client that opens streams
// and moves bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace kpp::net {

// What a server sends. Guarantees: at most one frame (16 MiB) is gathered.
class SpdyDecoder {
 public:
  enum Type : std::uint16_t {
    kSynStream = 1,
    kSynReply = 2,
    kRstStream = 3,
    kSettings = 4,
    kPing = 6,
    kGoAway = 7
  };
  struct Frame {
    bool data = false;
    std::uint16_t type = 0;    // of a control frame
    std::uint32_t stream = 0;  // 0: the frame is about the connection
    bool last = false;         // the sender sends no more on the stream
    std::string payload;
  };
  void feed(std::string_view bytes) { in_ += bytes; }
  // nullopt: more bytes are needed. kBadRequest: another protocol's version.
  Result<std::optional<Frame>> next();

 private:
  std::string in_;
  std::size_t at_ = 0;
};

// Writes a client's frames.
class SpdyEncoder {
 public:
  // Opens a stream. Names are lower-case. The header block goes uncompressed, as stored blocks of
  // its zlib stream.
  std::string open(std::uint32_t stream,
                   const std::vector<std::pair<std::string, std::string>>& headers);
  static std::string data(std::uint32_t stream, std::string_view bytes, bool last);
  // The answer to a ping: the same frame.
  static std::string ping(std::string_view payload);

 private:
  bool begun_ = false;  // the zlib stream of header blocks
};

}  // namespace kpp::net
