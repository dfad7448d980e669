// Volumes of a pod, and how containers mount them.
#pragma once

#include "api/corev1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

void check_volumes(FieldErrors& errors, const FieldPath& at,
                   const std::vector<corev1::Volume>& volumes);
void check_volume_mounts(FieldErrors& errors, const FieldPath& at,
                         const corev1::Container& container,
                         const std::vector<corev1::Volume>& volumes);
void check_volume_devices(FieldErrors& errors, const FieldPath& at,
                          const corev1::Container& container,
                          const std::vector<corev1::Volume>& volumes);

// A path below a directory: relative, without "..".
void check_descending_path(FieldErrors& errors, const FieldPath& at, std::string_view path);
void check_no_backsteps(FieldErrors& errors, const FieldPath& at, std::string_view path);
// As above, and its first part must not begin with "..".
void check_file_path(FieldErrors& errors, const FieldPath& at, std::string_view path);
// A permission mode from 0 to 0777.
void check_mode(FieldErrors& errors, const FieldPath& at, const std::optional<std::int32_t>& mode);

}  // namespace kpp::validation
