#include <algorithm>
#include <array>

#include "kubelet/container/resources.h"
#include "kubelet/status/pod_status.h"

namespace kpp::kubelet {
namespace {

constexpr std::array kOwned{
    "PodResizePending", "PodResizeInProgress", "PodReadyToStartContainers", "Initialized", "Ready",
    "ContainersReady",  "PodScheduled"};

corev1::PodCondition condition(std::string_view type, bool status, std::string_view reason = {},
                               std::string message = {}) {
  corev1::PodCondition out;
  out.type = std::string(type);
  out.status = status ? "True" : "False";
  out.reason = std::string(reason);
  out.message = std::move(message);
  return out;
}

std::string listed(std::string_view what, const std::vector<std::string>& names) {
  return names.empty() ? std::string()
                       : cat("containers with ", what, " status: [", join(names, " "), "]");
}

std::string both(std::string a, std::string b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return cat(a, ", ", b);
}

corev1::PodCondition initialized(const corev1::Pod& pod, const corev1::PodStatus& status) {
  constexpr std::string_view kType = "Initialized";
  std::vector<std::string> unknown, incomplete;
  for (const auto& container : pod.spec.init_containers) {
    const auto* found = find_status(status.init_container_statuses, container.name);
    if (found == nullptr) {
      unknown.push_back(container.name);
    } else if (is_restartable_init(container) ? !found->started.value_or(false) : !found->ready) {
      incomplete.push_back(container.name);
    }
  }
  if (status.phase == "Succeeded" && unknown.empty()) return condition(kType, true, "PodCompleted");
  const bool regular_started = std::ranges::any_of(status.container_statuses, [](const auto& s) {
    return s.started.value_or(false) || s.state.terminated || s.last_state.terminated;
  });
  if (regular_started) return condition(kType, true);
  std::string message = both(listed("unknown", unknown), listed("incomplete", incomplete));
  if (message.empty()) return condition(kType, true);
  return condition(kType, false, "ContainersNotInitialized", std::move(message));
}

corev1::PodCondition containers_ready(const corev1::Pod& pod, const corev1::PodStatus& status) {
  constexpr std::string_view kType = "ContainersReady";
  std::vector<std::string> unknown, unready;
  const auto look = [&](const corev1::Container& container,
                        const std::vector<corev1::ContainerStatus>& list) {
    const auto* found = find_status(list, container.name);
    if (found == nullptr) {
      unknown.push_back(container.name);
    } else if (!found->ready) {
      unready.push_back(container.name);
    }
  };
  for (const auto& c : pod.spec.init_containers) {
    if (is_restartable_init(c)) look(c, status.init_container_statuses);
  }
  for (const auto& c : pod.spec.containers) look(c, status.container_statuses);
  if (status.phase == "Succeeded" && unknown.empty())
    return condition(kType, false, "PodCompleted");
  if (status.phase == "Failed") return condition(kType, false, "PodFailed");
  std::string message = both(listed("unknown", unknown), listed("unready", unready));
  if (message.empty()) return condition(kType, true);
  return condition(kType, false, "ContainersNotReady", std::move(message));
}

corev1::PodCondition ready(const corev1::Pod& pod, const corev1::PodCondition& containers,
                           const std::vector<corev1::PodCondition>& others) {
  constexpr std::string_view kType = "Ready";
  if (containers.status != "True")
    return condition(kType, false, containers.reason, containers.message);
  std::vector<std::string> messages;
  for (const auto& gate : pod.spec.readiness_gates) {
    const auto it = std::ranges::find(others, gate.condition_type, &corev1::PodCondition::type);
    if (it == others.end()) {
      messages.push_back(cat("corresponding condition of pod readiness gate ",
                             quoted(gate.condition_type), " does not exist."));
    } else if (it->status != "True") {
      messages.push_back(cat("the status of pod readiness gate ", quoted(gate.condition_type),
                             " is not \"True\", but ", it->status));
    }
  }
  if (messages.empty()) return condition(kType, true);
  return condition(kType, false, "ReadinessGatesNotReady", join(messages, ", "));
}

}  // namespace

void set_conditions(const StatusInput& in, corev1::PodStatus& status) {
  const auto& before = in.previous.conditions;
  std::vector<corev1::PodCondition> others;
  for (const auto& c : in.pod.status.conditions) {
    if (std::ranges::find(kOwned, std::string_view(c.type)) == kOwned.end()) others.push_back(c);
  }
  const bool sandbox_ready =
      in.runtime.ready_sandbox() != nullptr && !sandbox_changed(in.pod, in.runtime);
  const corev1::PodCondition containers = containers_ready(in.pod, status);
  std::vector<corev1::PodCondition> own = in.resize_conditions;
  own.push_back(condition("PodReadyToStartContainers", sandbox_ready));
  own.push_back(initialized(in.pod, status));
  own.push_back(ready(in.pod, containers, others));
  own.push_back(containers);
  own.push_back(condition("PodScheduled", true));
  for (auto& c : own) {
    c.observed_generation = in.pod.metadata.generation;
    const auto it = std::ranges::find(before, c.type, &corev1::PodCondition::type);
    const bool kept =
        it != before.end() && it->status == c.status && !it->last_transition_time.is_zero();
    c.last_transition_time = kept ? it->last_transition_time : api::Time::from(in.now);
    if (kept && it->reason == c.reason && it->message == c.message)
      c.last_probe_time = it->last_probe_time;
  }
  status.conditions = std::move(own);
  for (auto& c : others) status.conditions.push_back(std::move(c));
}

void hold_back_terminal_phase(corev1::PodStatus& status, const corev1::PodStatus& previous) {
  if (!is_terminal_phase(status.phase) || is_terminal_phase(previous.phase)) return;
  const std::string_view reason = status.phase == "Failed" ? "PodFailed" : "PodCompleted";
  for (auto& c : status.conditions) {
    if (c.type == "Initialized") {
      // Not over yet: as it was.
      for (const auto& before : previous.conditions) {
        if (before.type == c.type) {
          const auto generation = c.observed_generation;
          c = before;
          c.observed_generation = generation;
        }
      }
    }
    if (c.type != "Ready" && c.type != "ContainersReady") continue;
    c.status = "False";
    c.reason = std::string(reason);
    c.message.clear();
  }
  status.phase = previous.phase.empty() ? "Pending" : previous.phase;
  status.reason = previous.reason;
  status.message = previous.message;
}

}  // namespace kpp::kubelet
