// What the parts of the shim share.
#pragma once

#include <string>

#include "async/executor.h"
#include "base/log.h"
#include "dockershim/cni/network.h"
#include "dockershim/engine.h"
#include "net/grpc.h"

namespace kpp::dockershim {

using net::GrpcResult;
using net::GrpcStatus;

struct ShimOptions {
  std::string listen = "/run/cri-dockerd.sock";
  std::string docker_socket = "/var/run/docker.sock";
  std::string state_directory = "/var/lib/cri-dockerd";
  std::string pod_infra_image = "registry.k8s.io/pause:3.10.1";
  std::string streaming_address = "127.0.0.1";
  // A pull that says nothing for as long is given up.
  Duration pull_progress_deadline = std::chrono::minutes(1);
  cni::NetworkOptions network;
};

struct ShimDeps {
  async::IoExecutor& executor;
  async::ThreadPool& pool;
  Engine& engine;
  Logger log;
  const ShimOptions& options;
};

// Errors as the calls of CRI answer them: those that the kubelet tells apart have codes, all others
// are Unknown, as the original's shim answers them.
GrpcStatus to_grpc(const Status& status);
inline std::unexpected<GrpcStatus> failed(const Status& status) {
  return std::unexpected(to_grpc(status));
}

}  // namespace kpp::dockershim

// KPP_GRPC_ASSIGN(T name, expr): expr is a Result<T>; declares name, or ends the coroutine with the
// error as a gRPC status.
#define KPP_GRPC_ASSIGN(decl, expr)                                                 \
  auto KPP_CONCAT(kpp_result_, __LINE__) = (expr);                                  \
  if (!KPP_CONCAT(kpp_result_, __LINE__))                                           \
    co_return ::kpp::dockershim::failed(KPP_CONCAT(kpp_result_, __LINE__).error()); \
  decl = std::move(*KPP_CONCAT(kpp_result_, __LINE__))
