#include <cstdint>

#include "async/scope.h"
#include "net/grpc_details.h"
#include "net/grpc_server.h"

// What a client may put into a call: its head, its deadline, its message.
namespace kpp::net {
namespace {

async::Task<void> call(GrpcService* service, Request request) {
  Response response = co_await service->handle(std::move(request), {});
  if (!response.stream) co_return;
  for (;;) {
    auto piece = co_await response.stream->next({});
    if (!piece || *piece == nullptr) co_return;
  }
}

async::Task<GrpcResult<std::string>> echo(std::string message, async::StopToken) {
  co_return message;
}

}  // namespace
}  // namespace kpp::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kpp;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(all.find('\n'), all.size());
  const std::string_view head = all.substr(0, line);
  (void)net::escape_grpc_message(head);
  (void)net::decode_details(head);
  async::ManualExecutor executor;
  net::GrpcService service(executor, {.max_request_bytes = 100, .max_answer_bytes = 50});
  service.add("/a.B/Echo", &net::echo);
  net::Request request;
  request.method = "POST";
  request.path = head.starts_with('/') ? std::string(head) : "/a.B/Echo";
  request.headers.add("content-type", "application/grpc");
  if (!head.empty()) request.headers.add("grpc-timeout", std::string(head));
  if (line < all.size()) request.body = all.substr(line + 1);
  async::Scope scope(executor);
  scope.spawn(net::call(&service, std::move(request)));
  executor.run_until_idle();
  return 0;
}
