// The server's side of a SPDY/3.1 connection: streams that the client opens, bytes both ways.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/wait.h"
#include "net/http.h"
#include "net/spdy.h"
#include "net/spdy_headers.h"

namespace kpp::net {

// Guarantees: pings are answered and streams accepted while somebody reads; writes of many tasks
// do not mix.
// Ownership: owns the connection.
// Runs on: its executor only; one reader at a time.
// Errors: those of the connection, and kBadRequest for a peer that breaks the protocol.
class SpdySession {
 public:
  struct Event {
    enum Kind : std::uint8_t {
      kOpened,  // with the stream's headers
      kData,
      kEnded,  // the client sends no more on the stream
      kReset,  // and takes no more
    };
    Kind kind = kOpened;
    std::uint32_t stream = 0;
    SpdyHeaders headers;
    std::string bytes;

    std::string_view header(std::string_view name) const;  // "" if it is not there
  };

  SpdySession(async::Executor& executor, std::unique_ptr<ByteStream> connection)
      : connection_(std::move(connection)), writing_(executor, 1) {}

  // The next event; nullopt: the client has gone.
  async::Task<Result<std::optional<Event>>> next(async::StopToken stop);
  // `last`: we send no more on the stream.
  async::Task<Status> write(std::uint32_t stream, std::string bytes, bool last,
                            async::StopToken stop);
  // We send no more on any stream.
  async::Task<void> close_write() { return connection_->close_write(); }
  void abort() { connection_->abort(); }

 private:
  async::Task<Status> send(std::string frames, async::StopToken stop);
  async::Task<Status> take(SpdyDecoder::Frame frame, async::StopToken stop);

  std::unique_ptr<ByteStream> connection_;
  SpdyDecoder decoder_;
  SpdyHeaderReader headers_;
  SpdyEncoder encoder_;
  std::deque<Event> events_;
  async::Semaphore writing_;
};

}  // namespace kpp::net
