// Whether a pod's constraints allow a node, for controllers that place pods themselves.
#pragma once

#include "api/node_match.h"

namespace kpp::controllers {

// A taint of the node that none of the tolerations bears; `no_execute_only`: else NoSchedule counts
// too.
bool has_untolerated_taint(const std::vector<corev1::Taint>& taints,
                           const std::vector<corev1::Toleration>& tolerations,
                           bool no_execute_only);

}  // namespace kpp::controllers
