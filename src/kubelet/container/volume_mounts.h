// What a container's volume mount asks of the runtime.
#pragma once

#include <string>

#include "api/corev1.h"
#include "api/cri.h"
#include "base/status.h"

namespace kpp::kubelet {

std::int32_t propagation_of(const corev1::VolumeMount& mount);

// What is below a read-only mount is to be read-only too, as far as the pod insists and the runtime
// can. Errors (kInvalid) carry the text of CreateContainerConfigError.
Result<bool> recursive_read_only(const corev1::VolumeMount& mount, bool runtime_can);
bool asks_for_recursive_read_only(const corev1::Container& container);

// The runtime says that its default handler can do it.
bool can_recursive_read_only(const cri::StatusResponse& runtime);

// A path below a volume, as a container gives it: relative, and never upwards. kInvalid carries the
// text of CreateContainerConfigError.
Status check_subpath(const std::string& path);

}  // namespace kpp::kubelet
