#include <algorithm>

#include "dockershim/containers.h"

namespace kpp::dockershim {
namespace {

cri::Mount mount_of(const MountPoint& mount) {
  cri::Mount out;
  out.host_path = mount.source;
  out.container_path = mount.destination;
  out.readonly = !mount.writable;
  if (mount.propagation == "rslave") out.propagation = cri::PROPAGATION_HOST_TO_CONTAINER;
  if (mount.propagation == "rshared") out.propagation = cri::PROPAGATION_BIDIRECTIONAL;
  return out;
}

// How it ended, as the original's shim tells a container that ran from one that never could.
void set_end(const InspectedContainer& container, cri::ContainerStatus& out) {
  if (container.finished != 0) {
    out.state = cri::CONTAINER_EXITED;
    out.exit_code = container.exit_code;
    // Docker writes a start down after it was: what ends at once seems to end before.
    out.finished_at = std::max(container.finished, container.started);
    out.started_at = container.started;
    if (container.oom_killed)
      out.reason = "OOMKilled";
    else
      out.reason = container.exit_code == 0 ? "Completed" : "Error";
  } else if (container.exit_code != 0) {
    out.state = cri::CONTAINER_EXITED;
    out.exit_code = container.exit_code;
    out.started_at = container.created;
    out.finished_at = container.created;
    out.reason = "ContainerCannotRun";
  } else {
    out.state = cri::CONTAINER_CREATED;
  }
  out.message = container.error;
}

cri::LinuxContainerResources resources_of(const InspectedContainer& container) {
  cri::LinuxContainerResources out;
  out.cpu_period = container.cpu_period;
  out.cpu_quota = container.cpu_quota;
  out.cpu_shares = container.cpu_shares;
  out.memory_limit_in_bytes = container.memory;
  out.oom_score_adj = container.oom_score_adj;
  out.cpuset_cpus = container.cpuset_cpus;
  out.cpuset_mems = container.cpuset_mems;
  return out;
}

}  // namespace

cri::ContainerStatus container_status(const InspectedContainer& container) {
  cri::ContainerStatus out;
  out.id = container.id;
  auto& metadata = out.metadata.emplace();
  if (const auto name = parse_name(container.name)) {
    metadata.name = name->container;
    metadata.attempt = name->attempt;
  }
  out.created_at = container.created;
  if (container.running) {
    out.state = cri::CONTAINER_RUNNING;
    out.started_at = container.started;
  } else {
    set_end(container, out);
  }
  for (const MountPoint& mount : container.mounts) out.mounts.push_back(mount_of(mount));
  if (const auto path = container.labels.find(std::string(label::kLogPath));
      path != container.labels.end()) {
    out.log_path = path->second;
  }
  auto labels = from_docker_labels(container.labels);
  out.labels = std::move(labels.labels);
  out.annotations = std::move(labels.annotations);
  out.resources.emplace().linux = resources_of(container);
  out.image_id = container.image_id;
  return out;
}

std::string image_ref(const std::string& id, const std::vector<std::string>& digests) {
  if (!digests.empty()) return cat("docker-pullable://", digests[0]);
  return cat("docker://", id);
}

}  // namespace kpp::dockershim
