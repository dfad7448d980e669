// An HTTP server: HTTP/1.1 and HTTP/2, plain or with TLS, on TCP and unix sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "net/http.h"
#include "net/tls.h"

namespace kpp::net {

struct ServerOptions {
  std::size_t max_header_bytes = 1u << 20;
  std::size_t max_body_bytes = 3u << 20;
  int max_connections = 10'000;  // more are closed at once
  std::uint32_t max_concurrent_streams = 250;
  Duration header_timeout =
      std::chrono::seconds(32);  // from the first byte of a head to its last, and for handshakes
  Duration idle_timeout = std::chrono::seconds(90);
  Duration stop_timeout = std::chrono::seconds(10);  // for requests at hand when the server stops
};

// Serves a Handler on any number of addresses.
//
// Guarantees: malformed input costs the peer its connection, never more. Handlers of one
// connection's HTTP/2 streams run
//   at the same time. Bodies that are read slowly are not gathered in memory.
// Ownership: executor, handler and log must outlive it.
// Runs on: the executor.
// Stop: stop() closes the listeners, requests stop of all requests, lets them finish, and returns
// when nothing runs.
class Server {
 public:
  Server(async::IoExecutor& executor, Handler& handler, ServerOptions options, const Logger& log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // An IP address ("" or "::" for all) and a port (0 for a free one). Plain HTTP without `tls`.
  // Gives the port.
  Result<std::uint16_t> listen_tcp(std::string address, std::uint16_t port,
                                   std::shared_ptr<const TlsContext> tls);
  // A file left from an earlier run is replaced; access is for this user alone.
  Status listen_unix(std::string path);
  // New connections of all TLS listeners use the new certificates.
  void replace_tls(std::shared_ptr<const TlsContext> tls);

  int connections() const;
  async::Task<void> stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kpp::net
