// Whether a node is what a pod or a volume asks for: node selectors, taints and tolerations.
#pragma once

#include <vector>

#include "api/corev1.h"

namespace kpp::api {

bool tolerates(const corev1::Toleration& toleration, const corev1::Taint& taint);
bool any_tolerates(const std::vector<corev1::Toleration>& tolerations, const corev1::Taint& taint);

// A term without requirements matches nothing.
bool matches(const corev1::NodeSelectorTerm& term, const corev1::Node& node);
// Any of the terms; a selector without terms matches nothing.
bool matches(const corev1::NodeSelector& selector, const corev1::Node& node);
// nodeSelector and required node affinity.
bool fits_required_affinity(const corev1::PodSpec& spec, const corev1::Node& node);

}  // namespace kpp::api
