// Sandboxes of pods: pause containers whose network namespaces CNI plugins wire.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/cri.h"
#include "async/wait.h"
#include "dockershim/checkpoints.h"
#include "dockershim/container_spec.h"
#include "dockershim/docker_objects.h"
#include "dockershim/pull.h"
#include "dockershim/types.h"

namespace kpp::dockershim {

// Guarantees: a sandbox that could not be made whole leaves nothing: no container, no address, no
//   rule. What cannot be cleaned up at once (no engine) is cleaned up when the engine is back.
//   A sandbox whose container somebody removed by hand is listed as not ready until it is removed.
// Runs on: the executor.
class Sandboxes {
 public:
  Sandboxes(const ShimDeps& deps, cni::Network& network, ImagePuller& puller);

  async::Task<GrpcResult<std::string>> run(cri::RunPodSandboxRequest request,
                                           async::StopToken stop);
  async::Task<GrpcStatus> stop(std::string id, async::StopToken stop);
  async::Task<GrpcStatus> remove(std::string id, async::StopToken stop);
  async::Task<GrpcResult<cri::PodSandboxStatus>> status(std::string id, async::StopToken stop);
  async::Task<GrpcResult<std::vector<cri::PodSandbox>>> list(cri::PodSandboxFilter filter,
                                                             async::StopToken stop);
  // Removes what is half made. Errors: there is no engine.
  async::Task<Status> clean_up(async::StopToken stop);
  // Something is left that could not be removed at once.
  bool has_leftovers() const { return has_leftovers_; }

 private:
  struct Made {
    std::string id;
    Checkpoint checkpoint;
  };
  async::Task<GrpcResult<std::string>> create(SandboxRequest request, std::string name,
                                              async::StopToken stop);
  async::Task<Status> start(Made made, cri::PodSandboxConfig config, async::StopToken stop);
  async::Task<Status> take_down(std::string id);
  async::Task<Status> remove_network(std::string id, Checkpoint checkpoint, std::int64_t pid);
  async::Task<std::vector<std::string>> addresses(InspectedContainer sandbox);
  async::Task<Result<Checkpoint>> checkpoint_of(std::string id, const InspectedContainer* sandbox);
  async::Task<Status> save(Made made);
  async::Task<Status> forget(std::string id);
  async::Task<Status> end_containers(std::string id, bool remove, async::StopToken stop);

  const ShimDeps deps_;
  cni::Network& network_;
  ImagePuller& puller_;
  const Checkpoints checkpoints_;
  const std::int64_t lowest_oom_score_adj_;
  std::map<std::string, std::vector<std::string>> addresses_;  // of those that run
  std::set<std::string> in_hand_;                              // being made
  bool has_leftovers_ = false;
};

// What RunPodSandbox of a sandbox that is gone from Docker needs to be cleaned up with.
cni::Attachment attachment_of(const std::string& id, const Checkpoint& checkpoint,
                              std::int64_t pid);

// The lowest oom_score_adj that this process may give its children.
std::int64_t lowest_oom_score_adj();

// The addresses of a network namespace that are no loopback ones, from the texts of
// /proc/PID/net/fib_trie and /proc/PID/net/if_inet6.
std::vector<std::string> parse_addresses(std::string_view fib_trie, std::string_view if_inet6);

// Whether labels are those that a filter asks for.
bool selects(const Labels& selector, const Labels& labels);

}  // namespace kpp::dockershim
