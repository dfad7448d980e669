#include "controllers/pod_state.h"

#include <algorithm>

namespace kpp::controllers {

const corev1::PodCondition* pod_condition(const corev1::Pod& pod, std::string_view type) {
  const auto& all = pod.status.conditions;
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.type == type; });
  return it == all.end() ? nullptr : &*it;
}

bool is_ready(const corev1::Pod& pod) {
  const auto* ready = pod_condition(pod, "Ready");
  return ready && ready->status == "True";
}

bool is_available(const corev1::Pod& pod, std::int32_t min_ready_seconds, WallTime now) {
  const auto* ready = pod_condition(pod, "Ready");
  if (!ready || ready->status != "True") return false;
  if (min_ready_seconds == 0) return true;
  if (ready->last_transition_time.is_zero()) return false;
  return ready->last_transition_time.wall() + std::chrono::seconds(min_ready_seconds) <= now;
}

bool is_finished(const corev1::Pod& pod) {
  return pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
}

bool is_active(const corev1::Pod& pod) {
  return !is_finished(pod) && !pod.metadata.deletion_timestamp;
}

bool is_terminating(const corev1::Pod& pod) {
  return !is_finished(pod) && pod.metadata.deletion_timestamp;
}

}  // namespace kpp::controllers
