// Containers of a pod: regular, init and ephemeral ones.
#pragma once

#include "api/corev1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

// Checks spec.containers, spec.initContainers and spec.ephemeralContainers; `at` is the path of the
// spec.
void check_containers(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec);
void check_ephemeral_containers(FieldErrors& errors, const FieldPath& at,
                                const corev1::PodSpec& spec);
// Images of pods (not of templates) must not stand in white space.
void check_image_spaces(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec);
void check_overhead(FieldErrors& errors, const FieldPath& at,
                    const std::map<std::string, api::Quantity>& overhead);

}  // namespace kpp::validation
