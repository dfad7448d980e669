#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "async/scope.h"
#include "net/grpc_connection.h"
#include "net/server_connection.h"

// Whole connections: what a client may send to the server's two protocols, and a server to the gRPC
// client.
namespace kpp::net {
namespace {

class Echo final : public Handler {
 public:
  async::Task<Response> handle(Request request, async::StopToken) override {
    co_return Response::text(200, "text/plain", std::move(request.body));
  }
};

async::Task<void> serve(async::IoExecutor* executor, std::unique_ptr<Socket> socket, bool http2) {
  Echo handler;
  ServerOptions options;
  options.max_body_bytes = 1000;
  options.max_header_bytes = 2000;
  const ServerContext context{*executor, handler, options};
  const auto connection = http2 ? make_http2_connection(context, std::move(socket), {})
                                : make_http1_connection(context, std::move(socket), {});
  co_await connection->run(http2 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "");
  executor->post([executor] { executor->stop(); });
}

async::Task<void> call(async::IoExecutor* executor, std::unique_ptr<Socket> socket) {
  const auto connection = std::make_shared<GrpcConnection>(*executor, std::move(socket), 1000);
  auto one = std::make_shared<GrpcCall>(*executor);
  one->outgoing.push_back(grpc_frame("x"));
  one->outgoing_done = true;
  Headers fields;
  for (const auto& [name, value] : {std::pair{":method", "POST"},
                                    {":path", "/a/b"},
                                    {":scheme", "http"},
                                    {":authority", "a"}}) {
    fields.add(name, value);
  }
  if (connection->start()) {
    connection->begin(one, fields);
    while (!one->ended) co_await one->changed.wait({});
  }
  connection->fail_all("over");
  executor->post([executor] { executor->stop(); });
}

}  // namespace
}  // namespace kpp::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kpp;
  if (size == 0 || size > 16000) return 0;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  if (::write(ends[1], data + 1, size - 1) != static_cast<ssize_t>(size - 1)) std::abort();
  ::shutdown(ends[1], SHUT_WR);
  {
    async::IoExecutor executor;
    async::Scope scope(executor);
    auto socket = std::make_unique<net::Socket>(executor, ends[0]);
    if (data[0] % 3 == 2) {
      scope.spawn(net::call(&executor, std::move(socket)));
    } else {
      scope.spawn(net::serve(&executor, std::move(socket), data[0] % 3 == 1));
    }
    executor.run();
  }
  ::close(ends[1]);
  return 0;
}
