// The status of a pod, from what the pod asks for and what the runtime holds. Pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "base/clock.h"
#include "kubelet/resize/allocations.h"
#include "kubelet/runtime_view.h"
#include "kubelet/sync_plan.h"

namespace kpp::kubelet {

// Why a container could not be started: what stands in state.waiting.
struct StartError {
  std::string reason;  // ErrImagePull, CrashLoopBackOff, ...
  std::string message;
};

struct StatusInput {
  const corev1::Pod& pod;
  const PodRuntime& runtime;
  const corev1::PodStatus& previous;                      // what was reported last
  const std::map<std::string, StartError>& start_errors;  // by container name
  const ProbeView& probes;
  const std::vector<std::string>& host_ips;
  bool terminal = false;  // its containers will not be started again
  // Ends the pod whatever its containers say: phase Failed with this reason and message.
  const StartError* failure = nullptr;
  const Allocations& allocations;  // what running containers were given
  std::vector<corev1::PodCondition> resize_conditions = {};
  WallTime now{};
};

corev1::PodStatus make_pod_status(const StatusInput& input);

// What may be shown while containers can still run: a terminal phase is held back, readiness is
// not.
void hold_back_terminal_phase(corev1::PodStatus& status, const corev1::PodStatus& previous);

// The last word on a pod whose containers are gone: what is not known to have ended counts as
// failed.
void finish_status(const corev1::Pod& pod, corev1::PodStatus& status);

bool is_terminal_phase(std::string_view phase);

// The parts.
std::vector<corev1::ContainerStatus> container_statuses(
    const StatusInput& in, const std::vector<corev1::Container>& containers,
    const std::vector<corev1::ContainerStatus>& previous, bool init);
std::string pod_phase(const corev1::Pod& pod, const std::vector<corev1::ContainerStatus>& init,
                      const std::vector<corev1::ContainerStatus>& regular, bool terminal);
// The kubelet's conditions; those of others follow. Times of transition are kept where nothing
// changed.
void set_conditions(const StatusInput& in, corev1::PodStatus& status);
const corev1::ContainerStatus* find_status(const std::vector<corev1::ContainerStatus>& list,
                                           std::string_view name);

}  // namespace kpp::kubelet
