// An HTTP/1.1 client for one server.
#pragma once

#include <memory>
#include <string>

#include "async/executor.h"
#include "net/dial.h"
#include "net/http.h"

namespace kpp::net {

struct ClientOptions {
  DialOptions dial;
  // Those above it are closed after their request: who sends more at a time pays for handshakes.
  std::size_t max_idle_connections = 64;
  Duration idle_timeout =
      std::chrono::seconds(60);  // idle connections older than this are not used again
  std::size_t max_body_bytes = std::size_t{1} << 30;  // of answers that are read whole
};

// What came back on a request for an upgrade.
struct Upgraded {
  Response response;                   // status 101 with its headers, or the refusal with its body
  std::unique_ptr<ByteStream> stream;  // nullptr if refused
};

// Sends requests over kept-alive connections, as many at a time as asked for.
//
// Guarantees: a request is sent again, once, if a kept connection turns out to be closed and the
// method is GET, HEAD or
//   OPTIONS. Request::path is encoded; Request::query goes as it is.
// Ownership: the executor must outlive it; streams of answers may outlive the client.
// Runs on: the executor.
// Errors: as in Transport. Time-outs are the caller's: its StopToken cuts the connection.
class HttpClient final : public Transport {
 public:
  HttpClient(async::IoExecutor& executor, Endpoint endpoint, ClientOptions options);
  ~HttpClient() override;

  async::Task<Result<Response>> send(Request request, bool want_stream,
                                     async::StopToken stop) override;
  // The request's headers name the protocol (Upgrade); Connection is added.
  async::Task<Result<Upgraded>> upgrade(Request request, async::StopToken stop);
  // Later requests make new connections, with these settings.
  void replace_tls(std::shared_ptr<const TlsContext> tls);
  int idle_connections() const;

 private:
  struct Pool;
  std::shared_ptr<Pool> pool_;  // shared with streams of answers, which give their connections back
};

// The path as it stands in a request line.
std::string encode_path(std::string_view path);

}  // namespace kpp::net
