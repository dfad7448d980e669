// The server's side of gRPC: methods by name, served by a net::Server on any of its addresses.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "async/executor.h"
#include "net/grpc.h"
#include "net/server.h"

namespace kpp::net {

// The answers of a call that has more than one.
class GrpcMessages {
 public:
  virtual ~GrpcMessages() = default;
  // The next message; nullopt ends the call well, an error ends it with its status.
  virtual async::Task<GrpcResult<std::optional<std::string>>> next(async::StopToken stop) = 0;
};

// Both take a serialised protobuf and give such. The token is requested at the caller's deadline,
// when the caller has gone, and when the server stops.
using GrpcMethod =
    std::function<async::Task<GrpcResult<std::string>>(std::string message, async::StopToken stop)>;
using GrpcStreamMethod = std::function<std::unique_ptr<GrpcMessages>(std::string message)>;

struct GrpcServiceOptions {
  std::size_t max_request_bytes = 16u << 20;
  std::size_t max_answer_bytes = 16u << 20;  // of one message
};

// Serves calls with one message in, and one or many out.
//
// Guarantees: every call that reaches the handler ends with a gRPC status: a method that nobody
// added is Unimplemented, a message over its limit ResourceExhausted, an error of a method after
// the caller's deadline DeadlineExceeded. A message of a stream is asked for when the one before
// has gone. Ownership: the executor must outlive it, and it must outlive the server that serves it.
// Runs on: the executor.
class GrpcService final : public Handler {
 public:
  explicit GrpcService(async::Executor& executor, GrpcServiceOptions options = {});

  // `method` is "/package.Service/Method".
  void add(std::string method, GrpcMethod unary);
  void add_stream(std::string method, GrpcStreamMethod stream);

  // For the Server: bodies as large as requests may be, and connections that stay while idle, as
  // clients of gRPC expect.
  ServerOptions server_options() const;

  async::Task<Response> handle(Request request, async::StopToken stop) override;

 private:
  struct Call;
  class UnaryAnswer;
  class StreamAnswer;

  async::Task<GrpcStatus> start(Request request, async::StopToken stop, Response& out);
  GrpcStatus unknown(const std::string& method) const;

  async::Executor& executor_;
  const GrpcServiceOptions options_;
  std::map<std::string, GrpcMethod> unary_;
  std::map<std::string, GrpcStreamMethod> streams_;
};

// The message of a request's body, which must be one whole frame. Errors carry the status of the
// call.
GrpcResult<std::string> read_grpc_message(std::string_view body, const Headers& headers,
                                          std::size_t max_bytes);
// "100m" as a duration; nullopt for what is none.
std::optional<Duration> parse_grpc_timeout(std::string_view text);
// As the message of a status travels: bytes outside of printable ASCII, and '%', escaped.
std::string escape_grpc_message(std::string_view text);

}  // namespace kpp::net
