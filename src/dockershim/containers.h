// Containers of pods.
#pragma once

#include <string>
#include <vector>

#include "api/cri.h"
#include "dockershim/docker_objects.h"
#include "dockershim/logs.h"
#include "dockershim/types.h"

namespace kpp::dockershim {

// Runs on: the executor.
class Containers {
 public:
  Containers(const ShimDeps& deps, Logs& logs);

  async::Task<GrpcResult<std::string>> create(cri::CreateContainerRequest request,
                                              async::StopToken stop);
  async::Task<GrpcStatus> start(std::string id, async::StopToken stop);
  async::Task<GrpcStatus> stop(std::string id, std::int64_t grace_seconds, async::StopToken stop);
  async::Task<GrpcStatus> remove(std::string id, async::StopToken stop);
  async::Task<GrpcResult<cri::ContainerStatus>> status(std::string id, async::StopToken stop);
  async::Task<GrpcResult<std::vector<cri::Container>>> list(cri::ContainerFilter filter,
                                                            async::StopToken stop);
  async::Task<GrpcStatus> update(cri::UpdateContainerResourcesRequest request,
                                 async::StopToken stop);
  async::Task<GrpcStatus> reopen_log(std::string id, async::StopToken stop);
  // Follows the logs of all containers that there are. Errors: there is no engine.
  async::Task<Status> follow_logs(async::StopToken stop);

  // A container of ours; kNotFound for one that is none.
  async::Task<Result<InspectedContainer>> inspect(std::string id, async::StopToken stop);

 private:
  async::Task<Result<json::Value>> create_named(std::string name, json::Object spec,
                                                async::StopToken stop);
  async::Task<Result<json::Value>> list_all(cri::ContainerFilter filter, async::StopToken stop);

  const ShimDeps deps_;
  Logs& logs_;
  const std::int64_t lowest_oom_score_adj_;
};

// The parts of a status that an inspected container tells by itself; not the image's names.
cri::ContainerStatus container_status(const InspectedContainer& container);
// "docker-pullable://name@sha256:..." or, for an image of no registry, "docker://sha256:...".
std::string image_ref(const std::string& id, const std::vector<std::string>& digests);

}  // namespace kpp::dockershim
