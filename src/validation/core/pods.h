// Pods and their templates.
#pragma once

#include "api/corev1.h"
#include "validation/field_errors.h"
#include "validation/metadata.h"

namespace kpp::validation {

void check_pod_spec(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec);
void check_pod_template(FieldErrors& errors, const FieldPath& at,
                        const corev1::PodTemplateSpec& pod_template);
// Metadata and spec of a pod, without the rules of creation.
void check_pod(FieldErrors& errors, const corev1::Pod& pod);
void check_pod_status_change(FieldErrors& errors, const corev1::Pod& pod, const corev1::Pod& old);
void check_resize_change(FieldErrors& errors, const corev1::Pod& pod, const corev1::Pod& old);
std::string quality_of_service(const corev1::PodSpec& spec);

}  // namespace kpp::validation
