// Calls to the members of an etcd cluster.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/proto_codec.h"
#include "async/executor.h"
#include "net/grpc.h"

namespace kpp::store {

// Guarantees: a member that cannot be reached, or that has lost its cluster, is left for the next
//   one. A call that only reads is made again, for a few seconds; one that writes only if no member
//   has seen it.
// Ownership: the executor must outlive it.
// Runs on: the executor.
// Errors: etcd's and gRPC's, see errors.h; kCanceled once closed.
// Stop: close(); calls at work end with an error.
class EtcdClient {
 public:
  enum class Kind { kRead, kWrite };

  // At least one endpoint.
  EtcdClient(async::IoExecutor& executor, const std::vector<net::Endpoint>& endpoints,
             const net::DialOptions& dial);

  // `method` is "KV/Range" and the like.
  template <class Answer, class Request>
  async::Task<Result<Answer>> call(std::string_view method, Request request, Kind kind,
                                   async::StopToken stop) {
    auto bytes =
        co_await send(cat("/etcdserverpb.", method), api::to_proto(request), kind, std::move(stop));
    if (!bytes) co_return fail(std::move(bytes).error());
    co_return api::parse_proto<Answer>(*bytes);
  }

  // A stream of watches that ends when its member loses the cluster. Errors as gRPC has them.
  async::Task<net::GrpcResult<std::unique_ptr<net::GrpcStream>>> watch_stream(
      async::StopToken stop);
  // A stream ended: the next one goes to another member.
  void stream_failed() { leave(current_); }

  bool closed() const { return closed_; }
  async::Task<void> close();

 private:
  async::Task<Result<std::string>> send(std::string method, std::string message, Kind kind,
                                        async::StopToken stop);
  void leave(std::size_t member);

  async::IoExecutor& executor_;
  std::vector<std::unique_ptr<net::GrpcChannel>> members_;
  std::size_t current_ = 0;
  bool closed_ = false;
};

}  // namespace kpp::store
