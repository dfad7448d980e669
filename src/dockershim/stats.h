// What containers and pods use.
#pragma once

#include <string>
#include <vector>

#include "api/cri.h"
#include "dockershim/containers.h"
#include "dockershim/sandboxes.h"
#include "dockershim/types.h"

namespace kpp::dockershim {

// Runs on: the executor.
class Stats {
 public:
  Stats(const ShimDeps& deps, Containers& containers, Sandboxes& sandboxes)
      : deps_(deps), containers_(containers), sandboxes_(sandboxes) {}

  async::Task<GrpcResult<cri::ContainerStats>> container(std::string id, async::StopToken stop);
  async::Task<GrpcResult<std::vector<cri::ContainerStats>>> containers(
      cri::ContainerStatsFilter filter, async::StopToken stop);
  async::Task<GrpcResult<cri::PodSandboxStats>> pod(std::string id, async::StopToken stop);
  async::Task<GrpcResult<std::vector<cri::PodSandboxStats>>> pods(cri::PodSandboxStatsFilter filter,
                                                                  async::StopToken stop);

 private:
  async::Task<Result<cri::ContainerStats>> one(cri::Container container, std::int64_t size_rw,
                                               async::StopToken stop);
  async::Task<GrpcResult<cri::PodSandboxStats>> pod_of(cri::PodSandbox sandbox,
                                                       async::StopToken stop);

  const ShimDeps deps_;
  Containers& containers_;
  Sandboxes& sandboxes_;
};

// Processor and memory as GET /containers/ID/stats tells them.
void set_usage(const json::Value& stats, std::int64_t now, cri::ContainerStats& out);

}  // namespace kpp::dockershim
