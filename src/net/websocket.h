// The server's side of WebSocket connections (RFC 6455), on an upgraded HTTP/1.1 connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/executor.h"
#include "async/wait.h"
#include "net/http.h"

namespace kpp::net {

bool wants_websocket(const Headers& headers);
// The subprotocols that the client offers, in its order.
std::vector<std::string> websocket_protocols(const Headers& headers);
// The head of the answer that accepts the client's offer; a protocol may be empty. kBadRequest: the
// request lacks its key.
Result<Response> accept_websocket(const Headers& headers, std::string_view protocol);

// Takes frames apart. Guarantees: at most kMaxPayload bytes of a frame are gathered.
class WebSocketDecoder {
 public:
  enum Opcode : std::uint8_t {
    kContinuation = 0,
    kText = 1,
    kBinary = 2,
    kClose = 8,
    kPing = 9,
    kPong = 10
  };
  static constexpr std::size_t kMaxPayload = 8u << 20;
  struct Frame {
    bool last = true;
    std::uint8_t opcode = kBinary;
    std::string payload;
  };

  void feed(std::string_view bytes) { in_ += bytes; }
  // The next frame; nullopt: more bytes are needed. kBadRequest: the peer breaks the protocol.
  Result<std::optional<Frame>> next();

 private:
  std::string in_;
  std::size_t at_ = 0;  // of the first byte not taken yet
};

// A frame as a server sends it.
std::string websocket_frame(std::uint8_t opcode, std::string_view payload);

// Whole messages over a stream.
//
// Guarantees: pings are answered while somebody reads; writes of many tasks do not mix.
// Ownership: owns the stream.
// Runs on: its executor only; one reader at a time.
// Errors: those of the stream, and kBadRequest for a peer that breaks the protocol, which is told
// so.
class WebSocket {
 public:
  WebSocket(async::Executor& executor, std::unique_ptr<ByteStream> stream)
      : stream_(std::move(stream)), writing_(executor, 1) {}

  // The next message, binary or text; nullopt: the peer closed.
  async::Task<Result<std::optional<std::string>>> read(async::StopToken stop);
  // One binary message, or one of text.
  async::Task<Status> write(std::string_view payload, async::StopToken stop);
  async::Task<Status> write_text(std::string_view payload, async::StopToken stop);
  // Says goodbye with a code; the peer's own goodbye is read by read().
  async::Task<void> close(std::uint16_t code, std::string_view reason, async::StopToken stop);
  void abort() { stream_->abort(); }

 private:
  async::Task<Status> send(std::string frame, async::StopToken stop);

  std::unique_ptr<ByteStream> stream_;
  WebSocketDecoder decoder_;
  async::Semaphore writing_;
  bool closed_ = false;  // we said goodbye
};

}  // namespace kpp::net
