// Methods of a gRPC service with typed messages.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "api/proto_codec.h"
#include "dockershim/types.h"
#include "net/grpc_server.h"

namespace kpp::dockershim {

template <class Request, class Answer, class Parts>
using Method = async::Task<GrpcResult<Answer>> (*)(const Parts* parts, Request request,
                                                   async::StopToken stop);

template <class Request, class Answer, class Parts>
async::Task<GrpcResult<std::string>> call(Method<Request, Answer, Parts> method, const Parts* parts,
                                          std::string message, async::StopToken stop) {
  auto request = api::parse_proto<Request>(message);
  if (!request) {
    co_return std::unexpected(GrpcStatus{
        net::kGrpcInternal, cat("grpc: error unmarshalling request: ", request.error().message())});
  }
  auto answer = co_await method(parts, std::move(*request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return api::to_proto(*answer);
}

// `parts` must outlive the service.
template <class Request, class Answer, class Parts>
void add(net::GrpcService& service, std::string name, const Parts& parts,
         Method<Request, Answer, Parts> method) {
  service.add(std::move(name), [&parts, method](std::string message, async::StopToken stop) {
    return call(method, &parts, std::move(message), std::move(stop));
  });
}

// A list as a stream: what the method answers is the one message of it.
template <class Request, class Answer, class Parts>
class ListStream final : public net::GrpcMessages {
 public:
  ListStream(Method<Request, Answer, Parts> method, const Parts& parts, std::string message)
      : method_(method), parts_(parts), message_(std::move(message)) {}
  async::Task<GrpcResult<std::optional<std::string>>> next(async::StopToken stop) override {
    if (std::exchange(asked_, true)) co_return std::nullopt;
    auto answer = co_await call(method_, &parts_, std::move(message_), std::move(stop));
    if (!answer) co_return std::unexpected(std::move(answer).error());
    co_return std::optional(std::move(*answer));
  }

 private:
  const Method<Request, Answer, Parts> method_;
  const Parts& parts_;
  std::string message_;
  bool asked_ = false;
};

template <class Request, class Answer, class Parts>
void add_list_stream(net::GrpcService& service, std::string name, const Parts& parts,
                     Method<Request, Answer, Parts> method) {
  service.add_stream(std::move(name), [&parts, method](std::string message) {
    return std::make_unique<ListStream<Request, Answer, Parts>>(method, parts, std::move(message));
  });
}

}  // namespace kpp::dockershim
