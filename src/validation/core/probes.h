// Probes and lifecycle hooks.
#pragma once

#include "api/corev1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

void check_port_or_name(FieldErrors& errors, const FieldPath& at, const api::IntOrString& port);
void check_liveness_probe(FieldErrors& errors, const FieldPath& at,
                          const api::Opt<corev1::Probe>& probe);
void check_readiness_probe(FieldErrors& errors, const FieldPath& at,
                           const api::Opt<corev1::Probe>& probe);
void check_startup_probe(FieldErrors& errors, const FieldPath& at,
                         const api::Opt<corev1::Probe>& probe);
void check_lifecycle(FieldErrors& errors, const FieldPath& at,
                     const api::Opt<corev1::Lifecycle>& lifecycle, std::int64_t grace_seconds,
                     const corev1::PodSpec* spec);

}  // namespace kpp::validation
