#include "client/in_process_transport.h"

namespace kpp::client {

InProcessTransport::InProcessTransport(net::Handler& handler, std::string user,
                                       std::vector<std::string> groups)
    : handler_(handler), identity_{std::move(user), std::move(groups), true} {}

async::Task<Result<net::Response>> InProcessTransport::send(net::Request request, bool want_stream,
                                                            async::StopToken stop) {
  if (stop.stop_requested()) co_return fail(Reason::kCanceled, "stopped");
  request.remote_address = "in-process";
  request.peer_certificate = identity_;
  net::Response response = co_await handler_.handle(std::move(request), stop);
  while (!want_stream && response.stream) {
    auto piece = co_await response.stream->next(stop);
    if (!piece) co_return std::unexpected(std::move(piece).error());
    if (!*piece) {
      response.stream = nullptr;
    } else {
      response.body.push_back(std::move(*piece));
    }
  }
  co_return response;
}

}  // namespace kpp::client
