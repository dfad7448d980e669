// Making connections.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "async/executor.h"
#include "async/task.h"
#include "net/http.h"
#include "net/tls.h"

namespace kpp::net {

class Socket;

// Where a server listens.
struct Endpoint {
  bool tls = false;
  std::string host;  // a name or an address without brackets; empty for unix sockets
  std::uint16_t port = 0;
  std::string unix_path;

  // "https://host:port", "http://host", "tcp://host:port" or "unix:///path"; a path after the host
  // is refused.
  static Result<Endpoint> parse(std::string_view url);
  std::string authority() const;  // host:port as a Host header, without a default port
  std::string to_string() const;
};

struct DialOptions {
  std::shared_ptr<const TlsContext> tls;  // needed for TLS endpoints
  std::string server_name;  // checked in the server's certificate; empty: the endpoint's host
  // For connecting and for the handshake, each; looking up a name takes as long as the system's
  // resolver does.
  Duration timeout = std::chrono::seconds(10);
};

// Connects, with the TLS handshake if the endpoint wants one. Errors: kServiceUnavailable,
// kCanceled.
async::Task<Result<std::unique_ptr<Socket>>> dial(async::IoExecutor& executor, Endpoint endpoint,
                                                  DialOptions options, async::StopToken stop);
// A plain connection as a stream.
async::Task<Result<std::unique_ptr<ByteStream>>> dial_tcp(async::IoExecutor& executor,
                                                          std::string host, std::uint16_t port,
                                                          async::StopToken stop);

}  // namespace kpp::net
