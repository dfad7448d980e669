#include "kubelet/container/resources.h"
#include "kubelet/status/pod_status.h"

namespace kpp::kubelet {
namespace {

struct Counts {
  int pending_init = 0, failed_init = 0;
  int running = 0, waiting = 0, stopped = 0, succeeded = 0, unknown = 0;
};

void count_sidecar(const corev1::ContainerStatus& status, Counts& n) {
  if (status.state.running) {
    if (!status.started.value_or(false)) ++n.pending_init;
    ++n.running;
  } else if (status.state.terminated) {
    // A sidecar that has ended does not decide the phase.
  } else if (status.state.waiting) {
    if (status.last_state.terminated) return;
    ++n.pending_init;
    ++n.waiting;
  } else {
    ++n.pending_init;
    ++n.unknown;
  }
}

void count_init(const corev1::ContainerStatus& status, Counts& n) {
  if (status.state.terminated) {
    if (status.state.terminated->exit_code != 0) ++n.failed_init;
  } else if (status.state.waiting && status.last_state.terminated) {
    if (status.last_state.terminated->exit_code != 0) ++n.failed_init;
  } else {
    ++n.pending_init;
  }
}

void count_regular(const corev1::ContainerStatus& status, Counts& n) {
  if (status.state.running) {
    ++n.running;
  } else if (status.state.terminated) {
    ++n.stopped;
    if (status.state.terminated->exit_code == 0) ++n.succeeded;
  } else if (status.state.waiting) {
    ++(status.last_state.terminated ? n.stopped : n.waiting);
  } else {
    ++n.unknown;
  }
}

}  // namespace

bool is_terminal_phase(std::string_view phase) { return phase == "Failed" || phase == "Succeeded"; }

std::string pod_phase(const corev1::Pod& pod, const std::vector<corev1::ContainerStatus>& init,
                      const std::vector<corev1::ContainerStatus>& regular, bool terminal) {
  Counts n;
  bool has_run = false;
  for (const auto& status : regular)
    has_run =
        has_run || status.state.running || status.state.terminated || status.last_state.terminated;
  for (const auto& container : pod.spec.init_containers) {
    const auto* status = find_status(init, container.name);
    if (status == nullptr) {
      ++n.unknown;
    } else if (is_restartable_init(container)) {
      count_sidecar(*status, n);
    } else {
      count_init(*status, n);
    }
  }
  for (const auto& container : pod.spec.containers) {
    const auto* status = find_status(regular, container.name);
    if (status == nullptr) {
      ++n.unknown;
    } else {
      count_regular(*status, n);
    }
  }
  const std::string& policy = pod.spec.restart_policy;
  if (n.failed_init > 0 && policy == "Never") return "Failed";
  if ((n.pending_init > 0 || n.failed_init > 0) && !has_run) return "Pending";
  if (n.waiting > 0) return "Pending";
  if (n.running > 0 && n.unknown == 0) return "Running";
  if (n.running == 0 && n.stopped > 0 && n.unknown == 0) {
    if (terminal) return n.stopped == n.succeeded ? "Succeeded" : "Failed";
    if (policy == "Always") return "Running";
    // A container may be started again whatever the pod's policy says.
    bool restarting = false;
    for (const auto& container : pod.spec.containers) {
      const auto* status = find_status(regular, container.name);
      if (status == nullptr ||
          (!container.restart_policy && container.restart_policy_rules.empty()))
        continue;
      const auto* ended = status->state.terminated ? status->state.terminated.get()
                                                   : status->last_state.terminated.get();
      if (ended && policy_restarts(pod, container, ended->exit_code)) restarting = true;
    }
    if (restarting) return "Running";
    if (n.stopped == n.succeeded) return "Succeeded";
    return policy == "Never" ? "Failed" : "Running";
  }
  return "Pending";
}

}  // namespace kpp::kubelet
