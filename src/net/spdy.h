// The frames of SPDY/3.1 as clients, kubelets and runtimes speak it to each other: streams are
// opened and bytes moved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace kpp::net {

// Takes frames apart. Guarantees: at most one frame (16 MiB) is gathered.
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

using SpdyHeaders = std::vector<std::pair<std::string, std::string>>;

// Writes frames. Header blocks go uncompressed, as stored blocks of their zlib stream.
class SpdyEncoder {
 public:
  // Opens a stream. Names are lower-case.
  std::string open(std::uint32_t stream, const SpdyHeaders& headers);
  // Accepts a stream of the peer.
  std::string reply(std::uint32_t stream, const SpdyHeaders& headers);
  static std::string data(std::uint32_t stream, std::string_view bytes, bool last);
  // The answer to a ping: the same frame.
  static std::string ping(std::string_view payload);

 private:
  std::string header_block(const SpdyHeaders& headers);

  bool begun_ = false;  // the zlib stream of header blocks
};

}  // namespace kpp::net
