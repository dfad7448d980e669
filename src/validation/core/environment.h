// Environment variables and where their values come from.
#pragma once

#include "api/corev1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

void check_environment(FieldErrors& errors, const FieldPath& at,
                       const std::vector<corev1::EnvVar>& variables);
void check_environment_from(FieldErrors& errors, const FieldPath& at,
                            const std::vector<corev1::EnvFromSource>& sources);

// References that volumes use too.
void check_pod_field(FieldErrors& errors, const FieldPath& at,
                     const corev1::ObjectFieldSelector& field, bool in_volume);
void check_resource_field(FieldErrors& errors, const FieldPath& at,
                          const corev1::ResourceFieldSelector& field, bool in_volume);

}  // namespace kpp::validation
