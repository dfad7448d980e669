// Security contexts of pods and containers.
#pragma once

#include "api/corev1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

void check_security_context(FieldErrors& errors, const FieldPath& at,
                            const api::Opt<corev1::SecurityContext>& context, bool host_users);
// `at` is the path of the context; the host namespaces of `spec` belong to it.
void check_pod_security_context(FieldErrors& errors, const FieldPath& at,
                                const corev1::PodSpec& spec);

}  // namespace kpp::validation
