// Facts about a pod that controllers decide by.
#pragma once

#include "api/corev1.h"
#include "base/clock.h"

namespace kpp::controllers {

// nullptr if the pod has no such condition.
const corev1::PodCondition* pod_condition(const corev1::Pod& pod, std::string_view type);
bool is_ready(const corev1::Pod& pod);
// Ready for `min_ready_seconds` at `now`.
bool is_available(const corev1::Pod& pod, std::int32_t min_ready_seconds, WallTime now);
bool is_finished(const corev1::Pod& pod);  // Succeeded or Failed
// Neither finished nor being deleted.
bool is_active(const corev1::Pod& pod);
bool is_terminating(const corev1::Pod& pod);  // being deleted and not finished

}  // namespace kpp::controllers
