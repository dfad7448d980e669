// Where a pod may run: affinity, node selectors, tolerations, spread.
#pragma once

#include "api/corev1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

void check_affinity(FieldErrors& errors, const FieldPath& at,
                    const api::Opt<corev1::Affinity>& affinity);
void check_node_selector(FieldErrors& errors, const FieldPath& at,
                         const corev1::NodeSelector& selector);
void check_node_selector_term(FieldErrors& errors, const FieldPath& at,
                              const corev1::NodeSelectorTerm& term);
void check_tolerations(FieldErrors& errors, const FieldPath& at,
                       const std::vector<corev1::Toleration>& tolerations);
void check_spread(FieldErrors& errors, const FieldPath& at,
                  const std::vector<corev1::TopologySpreadConstraint>& constraints);
void check_scheduling_gates(FieldErrors& errors, const FieldPath& at,
                            const std::vector<corev1::PodSchedulingGate>& gates);
void check_pod_claims(FieldErrors& errors, const FieldPath& at,
                      const std::vector<corev1::PodResourceClaim>& claims);

}  // namespace kpp::validation
