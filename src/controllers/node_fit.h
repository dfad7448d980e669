// Whether a pod's constraints allow a node, for controllers that place pods themselves.
#pragma once

#include "api/corev1.h"

namespace kpp::controllers {

bool tolerates(const corev1::Toleration& toleration, const corev1::Taint& taint);
// A taint of the node that none of the tolerations bears; `no_execute_only`: else NoSchedule counts
// too.
bool has_untolerated_taint(const std::vector<corev1::Taint>& taints,
                           const std::vector<corev1::Toleration>& tolerations,
                           bool no_execute_only);
// Any of the terms; a selector without terms matches nothing.
bool matches(const corev1::NodeSelector& selector, const corev1::Node& node);
// nodeSelector and required node affinity.
bool fits_required_affinity(const corev1::PodSpec& spec, const corev1::Node& node);

}  // namespace kpp::controllers
