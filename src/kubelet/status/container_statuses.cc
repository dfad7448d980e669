#include <algorithm>

#include "kubelet/container/resources.h"
#include "kubelet/status/pod_status.h"

namespace kpp::kubelet {
namespace {

api::Time time_of(std::int64_t nanos) {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  // The runtime says zero for "never"; the API shows the start of 1970 then.
  return {nanos / kPerSecond, 0};
}

corev1::ContainerState terminated_state(const PodRuntime& runtime, const ContainerRecord& record) {
  corev1::ContainerState out;
  auto& t = out.terminated.emplace();
  t.exit_code = record.exit_code;
  t.reason = record.reason;
  t.message = record.message;
  t.started_at = time_of(record.started_at);
  t.finished_at = time_of(record.finished_at);
  t.container_id = runtime.api_id(record.id);
  return out;
}

corev1::ContainerState lost_state(std::string_view message) {
  corev1::ContainerState out;
  auto& t = out.terminated.emplace();
  t.reason = "ContainerStatusUnknown";
  t.message = std::string(message);
  t.exit_code = 137;
  return out;
}

corev1::ContainerState state_of(const PodRuntime& runtime, const ContainerRecord& record,
                                const corev1::ContainerStatus* previous) {
  corev1::ContainerState out;
  switch (record.state) {
    case cri::CONTAINER_RUNNING:
      out.running.emplace().started_at = time_of(record.started_at);
      return out;
    case cri::CONTAINER_EXITED:
      return terminated_state(runtime, record);
    case cri::CONTAINER_UNKNOWN:
      if (previous && previous->state.running) {
        return lost_state("The container could not be located when the pod was terminated");
      }
      break;
    case cri::CONTAINER_CREATED:
      break;
  }
  out.waiting.emplace();
  return out;
}

std::vector<corev1::VolumeMountStatus> mount_statuses(const corev1::Container& container) {
  std::vector<corev1::VolumeMountStatus> out;
  for (const auto& mount : container.volume_mounts) {
    corev1::VolumeMountStatus status;
    status.name = mount.name;
    status.mount_path = mount.mount_path;
    status.read_only = mount.read_only;
    if (mount.read_only) status.recursive_read_only = "Disabled";
    out.push_back(std::move(status));
  }
  return out;
}

// Of a running container, CPU and memory as its group has them; else, and for the rest, as granted.
void set_resources(const StatusInput& in, const corev1::Container& container,
                   corev1::ContainerStatus& status) {
  status.allocated_resources = container.resources.requests;
  auto& shown = status.resources.emplace();
  shown.limits = container.resources.limits;
  shown.requests = container.resources.requests;
  if (!status.state.running) return;
  const auto* recorded = in.allocations.actuated(in.pod.metadata.uid, container.name);
  const auto given = effective_resources(in.pod, recorded ? *recorded : container.resources);
  const auto take = [](ResourceList& to, const ResourceList& from, const std::string& resource) {
    if (const auto it = from.find(resource); it != from.end()) to[resource] = it->second;
  };
  if (!shown.limits.empty()) {
    take(shown.limits, given.limits, "cpu");
    take(shown.limits, given.limits, "memory");
  }
  if (!shown.requests.empty()) {
    // Without a request the kernel's shares come from the limit.
    take(shown.requests, given.requests.contains("cpu") ? given.requests : given.limits, "cpu");
    take(shown.requests, given.requests, "memory");
  }
}

corev1::ContainerStatus waiting_status(const corev1::Container& container, std::string_view reason,
                                       const corev1::ContainerStatus* previous) {
  if (previous && previous->state.terminated) return *previous;
  corev1::ContainerStatus out;
  out.name = container.name;
  out.image = container.image;
  out.state.waiting.emplace().reason = std::string(reason);
  out.volume_mounts = mount_statuses(container);
  if (previous) {
    out.restart_count = previous->restart_count;
    out.last_state = previous->last_state;
  }
  return out;
}

// A container that ran once and that the runtime has lost.
void mark_lost(const corev1::Pod& pod, const corev1::ContainerStatus* previous,
               corev1::ContainerStatus& status) {
  if (previous == nullptr || previous->state.terminated || !previous->state.running) return;
  if (!status.state.waiting || status.last_state.terminated) return;
  status.last_state = lost_state(
      "The container could not be located when the pod was deleted.  The container used to be "
      "Running");
  if (!pod.metadata.deletion_timestamp) ++status.restart_count;
}

corev1::ContainerStatus converted(const StatusInput& in, const corev1::Container& container,
                                  const ContainerRecord& record,
                                  const corev1::ContainerStatus* previous) {
  corev1::ContainerStatus out;
  out.name = container.name;
  out.restart_count = record.restart_count;
  out.image = record.image.empty() ? container.image : record.image;
  out.image_id = record.image_id;
  out.container_id = in.runtime.api_id(record.id);
  out.state = state_of(in.runtime, record, previous);
  out.volume_mounts = mount_statuses(container);
  set_resources(in, container, out);
  if (container.lifecycle && container.lifecycle->stop_signal)
    out.stop_signal = container.lifecycle->stop_signal;
  return out;
}

bool started(const corev1::Container& container, const corev1::ContainerStatus& status,
             const ProbeResults* results) {
  if (!status.state.running) return false;
  return !container.startup_probe || (results && results->startup == true);
}

void set_readiness(const StatusInput& in, const corev1::Container& container, bool init,
                   corev1::ContainerStatus& status) {
  const std::string prefix = in.runtime.api_id("");
  const std::string id =
      status.container_id.starts_with(prefix) ? status.container_id.substr(prefix.size()) : "";
  const auto it = in.probes.find(id);
  const ProbeResults* results = it == in.probes.end() ? nullptr : &it->second;
  status.started = started(container, status, results);
  if (init && !is_restartable_init(container)) {
    status.ready = status.state.terminated && status.state.terminated->exit_code == 0;
    return;
  }
  status.ready =
      *status.started && (!container.readiness_probe || (results && results->readiness == true));
}

}  // namespace

const corev1::ContainerStatus* find_status(const std::vector<corev1::ContainerStatus>& list,
                                           std::string_view name) {
  const auto it = std::ranges::find(list, name, &corev1::ContainerStatus::name);
  return it == list.end() ? nullptr : &*it;
}

std::vector<corev1::ContainerStatus> container_statuses(
    const StatusInput& in, const std::vector<corev1::Container>& containers,
    const std::vector<corev1::ContainerStatus>& previous, bool init) {
  const std::string_view waiting =
      in.pod.spec.init_containers.empty() ? "ContainerCreating" : "PodInitializing";
  std::vector<corev1::ContainerStatus> out;
  for (const auto& container : containers) {
    const corev1::ContainerStatus* before = find_status(previous, container.name);
    corev1::ContainerStatus status = waiting_status(container, waiting, before);
    const ContainerRecord* newest = nullptr;
    int seen = 0;
    for (const auto& record : in.runtime.containers) {
      if (record.name != container.name || seen == 2) continue;
      if (seen++ == 0) {
        newest = &record;
        status = converted(in, container, record, before);
        // What ended before the one that runs now may have been removed from the runtime.
        if (before && before->restart_count == record.restart_count)
          status.last_state = before->last_state;
        if (before && before->restart_count < record.restart_count && before->state.terminated) {
          status.last_state = before->state;
        }
      } else {
        status.last_state = state_of(in.runtime, record, nullptr);
      }
    }
    if (newest == nullptr) mark_lost(in.pod, before, status);

    const auto error = in.start_errors.find(container.name);
    const bool done = init && newest && newest->state == cri::CONTAINER_EXITED &&
                      newest->exit_code == 0 && !is_restartable_init(container);
    if (error != in.start_errors.end() && !done && should_restart(in.pod, container, in.runtime)) {
      if (status.state.terminated) status.last_state = status.state;
      status.state = {};
      auto& state = status.state.waiting.emplace();
      state.reason = error->second.reason;
      state.message = error->second.message;
    }
    set_readiness(in, container, init, status);
    out.push_back(std::move(status));
  }
  if (!init) std::ranges::sort(out, {}, &corev1::ContainerStatus::name);
  return out;
}

}  // namespace kpp::kubelet
