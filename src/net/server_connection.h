// What the two protocols of the server share. Included by the server's sources only.
#pragma once

#include <memory>
#include <string>

#include "net/server.h"
#include "net/socket.h"

namespace kpp::net {

// What a connection uses of its server.
struct ServerContext {
  async::IoExecutor& executor;
  Handler& handler;
  const ServerOptions& options;
};

// Facts about a connection that go into each of its requests.
struct PeerInfo {
  std::string remote_address;
  std::optional<PeerCertificate> certificate;
};

// Runs on: the server's executor.
class ServerConnection {
 public:
  virtual ~ServerConnection() = default;
  // Serves until the connection ends; nothing runs afterwards. `first_bytes` were read already.
  virtual async::Task<void> run(std::string first_bytes) = 0;
  // Ends the connection once the requests at hand are answered; they are asked to stop.
  virtual void begin_shutdown() = 0;
  // Cuts the connection; run() returns once its handlers have.
  virtual void abort() = 0;

  // When the server may cut the connection off; max() while requests are at hand.
  TimePoint deadline = TimePoint::max();
};

std::unique_ptr<ServerConnection> make_http1_connection(const ServerContext& context,
                                                        std::unique_ptr<Socket> socket,
                                                        PeerInfo peer);
std::unique_ptr<ServerConnection> make_http2_connection(const ServerContext& context,
                                                        std::unique_ptr<Socket> socket,
                                                        PeerInfo peer);

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(WallTime time);
// Splits an origin-form target into the decoded path and the query; false if it is malformed.
bool split_target(std::string_view target, std::string& path, std::string& query);
// A status whose answers have no body.
inline bool has_no_body(int status) { return status == 204 || status == 304 || status < 200; }

}  // namespace kpp::net
