// The Pod Security Standards (KEP-2579): what a pod may not do at a level.
#pragma once

#include <string>
#include <vector>

#include "api/corev1.h"

namespace kpp::apiserver {

enum class SecurityLevel { kPrivileged, kBaseline, kRestricted };

struct SecurityViolation {
  std::string reason;  // "privileged"
  std::string detail;  // "container \"c\" must not set securityContext.privileged=true"
};

// In the order of the original's checks; empty: the pod is allowed at the level.
std::vector<SecurityViolation> security_violations(SecurityLevel level,
                                                   const metav1::ObjectMeta& metadata,
                                                   const corev1::PodSpec& spec);

}  // namespace kpp::apiserver
