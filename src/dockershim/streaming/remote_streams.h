// The streams of a client of exec or attach, over SPDY or WebSocket.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "async/executor.h"
#include "net/http.h"

namespace kpp::dockershim {

// Which streams were asked for, in the request over CRI.
struct StreamSet {
  bool in = false, out = false, err = false, tty = false;
};

// What a client says.
struct RemoteInput {
  enum Kind : std::uint8_t { kBytes, kEnd, kResize };
  Kind kind = kBytes;
  std::string bytes;
  std::uint16_t width = 0, height = 0;
};

// How a command ended, as clients of the protocol's versions are told.
struct RemoteEnd {
  std::string status;  // metav1.Status as JSON
  std::string error;   // for old versions: the message alone; "" for success
};
RemoteEnd ended_well();
RemoteEnd ended_with_code(std::int32_t code);
RemoteEnd ended_with_error(std::string_view message);

// Ownership: owns the connection.
// Runs on: one executor; one reader, writers of any number.
class RemoteStreams {
 public:
  virtual ~RemoteStreams() = default;
  // nullopt: the client has gone.
  virtual async::Task<Result<std::optional<RemoteInput>>> read(async::StopToken stop) = 0;
  virtual async::Task<Status> write(bool is_error, std::string bytes, async::StopToken stop) = 0;
  // The last word; read() ends when the client has heard it.
  virtual async::Task<void> finish(RemoteEnd end, async::StopToken stop) = 0;
  virtual void abort() = 0;
};

// An answer that accepts an upgrade, and what the connection is afterwards.
struct AcceptedStreams {
  net::Response head;
  std::string protocol;  // "v4.channel.k8s.io"
  bool websocket = false;
};
// Errors: kBadRequest for a request that is no upgrade, kForbidden for protocols that nobody here
// speaks.
Result<AcceptedStreams> accept_streams(const net::Request& request);
// The same for port-forward, which is over SPDY.
Result<AcceptedStreams> accept_port_forward(const net::Request& request);

// The streams on an accepted connection. Waits, over SPDY, until the client has opened all that it
// must.
async::Task<Result<std::unique_ptr<RemoteStreams>>> open_streams(
    async::Executor& executor, std::unique_ptr<net::ByteStream> connection, std::string protocol,
    bool websocket, StreamSet set, async::StopToken stop);

// {"Width":80,"Height":24}; nullopt for what is none.
std::optional<RemoteInput> parse_resize(std::string_view text);

// For open_streams: the two kinds.
async::Task<Result<std::unique_ptr<RemoteStreams>>> open_spdy_streams(
    async::Executor& executor, std::unique_ptr<net::ByteStream> connection, std::string protocol,
    StreamSet set, async::StopToken stop);
async::Task<Result<std::unique_ptr<RemoteStreams>>> open_websocket_streams(
    async::Executor& executor, std::unique_ptr<net::ByteStream> connection, std::string protocol,
    StreamSet set, async::StopToken stop);

}  // namespace kpp::dockershim
