// What has to be done to a pod's sandbox and containers so that they become what the pod asks for.
// A pure function.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "kubelet/runtime_view.h"

namespace kpp::kubelet {

// What the probes of one container said so far; nothing: no probe of that kind, or no answer yet.
struct ProbeResults {
  std::optional<bool> startup, liveness, readiness;
};
// By container id.
using ProbeView = std::map<std::string, ProbeResults>;

enum class KillReason { kOther, kStartupProbe, kLivenessProbe };

struct ContainerKill {
  std::string id;
  std::string name;
  std::string message;
  KillReason reason = KillReason::kOther;
};

struct SyncPlan {
  bool kill_pod = false;        // sandbox and everything in it
  bool create_sandbox = false;  // afterwards
  std::uint32_t attempt = 0;
  std::string sandbox_id;  // the one to use, if none is to be made
  std::vector<ContainerKill> to_kill;
  // Indices into the pod's lists, in the order of starting.
  std::vector<std::size_t> init_to_start;
  std::vector<std::size_t> containers_to_start;
  std::vector<std::size_t> ephemeral_to_start;
};

SyncPlan plan_sync(const corev1::Pod& pod, const PodRuntime& runtime, const ProbeView& probes);

// Whether a container that has ended with this code starts again: by its own rules and policy, else
// by the pod's.
bool policy_restarts(const corev1::Pod& pod, const corev1::Container& container,
                     std::int32_t exit_code);
// Whether a container that is not running is to be started (again), by its restart policy and that
// of the pod.
bool should_restart(const corev1::Pod& pod, const corev1::Container& container,
                    const PodRuntime& runtime);
// True once the sandbox has to be replaced, or none was made.
bool sandbox_changed(const corev1::Pod& pod, const PodRuntime& runtime);
// True if one of the regular containers has ever been made.
bool any_regular_created(const corev1::Pod& pod, const PodRuntime& runtime);

}  // namespace kpp::kubelet
