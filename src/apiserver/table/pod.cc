#include <algorithm>
#include <string>

#include "apiserver/table/printers.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kSucceededConditions =
    R"([{"type":"Completed","status":"True","reason":"Succeeded","message":"The pod has completed successfully."}])";
constexpr std::string_view kFailedConditions =
    R"([{"type":"Completed","status":"True","reason":"Failed","message":"The pod failed."}])";

// What the containers make of a pod's row.
struct Summary {
  std::string reason;
  std::size_t ready = 0;
  std::int64_t restarts = 0;
  api::Time last_restart;

  void count_restarts(const corev1::ContainerStatus& status) {
    restarts += status.restart_count;
    if (status.last_state.terminated)
      last_restart = std::max(last_restart, status.last_state.terminated->finished_at);
  }
};

bool condition_true(const corev1::PodStatus& status, std::string_view type) {
  return std::ranges::any_of(status.conditions, [type](const corev1::PodCondition& c) {
    return c.type == type && c.status == "True";
  });
}

bool restartable(const corev1::Container& container) {
  return container.restart_policy == "Always";
}

std::string terminated_reason(const corev1::ContainerStateTerminated& state) {
  if (!state.reason.empty()) return state.reason;
  return state.signal != 0 ? cat("Signal:", state.signal) : cat("ExitCode:", state.exit_code);
}

// The reason of the init container that the pod waits for; empty once all are done. `sidecars`
// collects the restarts of the restartable ones.
std::string initializing_reason(const corev1::Pod& pod, Summary& all, Summary& sidecars) {
  const auto& containers = pod.spec.init_containers;
  const auto& statuses = pod.status.init_container_statuses;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    const auto& status = statuses[i];
    const auto spec = std::ranges::find(containers, status.name, &corev1::Container::name);
    const bool sidecar = spec != containers.end() && restartable(*spec);
    all.count_restarts(status);
    if (sidecar) sidecars.count_restarts(status);
    const auto& state = status.state;
    if (state.terminated && state.terminated->exit_code == 0) continue;
    if (sidecar && status.started.value_or(false)) {
      if (status.ready) ++all.ready;
      continue;
    }
    if (state.terminated) return cat("Init:", terminated_reason(*state.terminated));
    if (state.waiting && !state.waiting->reason.empty() &&
        state.waiting->reason != "PodInitializing")
      return cat("Init:", state.waiting->reason);
    return cat("Init:", i, '/', containers.size());
  }
  return {};
}

void add_containers(const corev1::PodStatus& pod, Summary& summary) {
  bool running = false;
  for (auto status = pod.container_statuses.rbegin(); status != pod.container_statuses.rend();
       ++status) {
    summary.count_restarts(*status);
    const auto& state = status->state;
    if (state.waiting && !state.waiting->reason.empty()) {
      summary.reason = state.waiting->reason;
    } else if (state.terminated) {
      summary.reason = terminated_reason(*state.terminated);
    } else if (status->ready && state.running) {
      running = true;
      ++summary.ready;
    }
  }
  if (summary.reason == "Completed" && running)
    summary.reason = condition_true(pod, "Ready") ? "Running" : "NotReady";
}

Summary summarize(const corev1::Pod& pod) {
  const auto& status = pod.status;
  Summary all, sidecars;
  all.reason = status.reason.empty() ? status.phase : status.reason;
  for (const auto& condition : status.conditions)
    if (condition.type == "PodScheduled" && condition.reason == "SchedulingGated")
      all.reason = condition.reason;

  const auto initializing = initializing_reason(pod, all, sidecars);
  if (!initializing.empty()) all.reason = initializing;
  if (initializing.empty() || condition_true(status, "Initialized")) {
    all.restarts = sidecars.restarts;
    all.last_restart = sidecars.last_restart;
    add_containers(status, all);
  }
  if (pod.metadata.deletion_timestamp) {
    if (status.reason == "NodeLost")
      all.reason = "Unknown";
    else if (status.phase != "Succeeded" && status.phase != "Failed")
      all.reason = "Terminating";
  }
  return all;
}

}  // namespace

void pod_row(const corev1::Pod& pod, Row& row) {
  const auto& status = pod.status;
  if (status.phase == "Succeeded") row.set_conditions(kSucceededConditions);
  if (status.phase == "Failed") row.set_conditions(kFailedConditions);

  const auto summary = summarize(pod);
  const auto total = pod.spec.containers.size() + static_cast<std::size_t>(std::ranges::count_if(
                                                      pod.spec.init_containers, restartable));
  auto restarts = cat(summary.restarts);
  if (summary.restarts != 0 && !summary.last_restart.is_zero())
    restarts += cat(" (", row.since(summary.last_restart), " ago)");
  std::string gates(kNone);
  if (!pod.spec.readiness_gates.empty()) {
    const auto passed = std::ranges::count_if(pod.spec.readiness_gates,
                                              [&status](const corev1::PodReadinessGate& gate) {
                                                return condition_true(status, gate.condition_type);
                                              });
    gates = cat(passed, '/', pod.spec.readiness_gates.size());
  }
  row.text(pod.metadata.name)
      .text(cat(summary.ready, '/', total))
      .text(summary.reason)
      .text(restarts)
      .age(pod.metadata)
      .text_or(status.pod_ips.empty() ? std::string_view() : status.pod_ips.front().ip, kNone)
      .text_or(pod.spec.node_name, kNone)
      .text_or(status.nominated_node_name, kNone)
      .text(gates);
}

}  // namespace kpp::apiserver
