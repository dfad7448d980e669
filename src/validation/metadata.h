// Rules of object metadata, the same for every kind.
#pragma once

#include "api/metav1.h"
#include "validation/field_errors.h"
#include "validation/formats.h"

namespace kpp::validation {

// How a kind's names are checked; `prefix` is set for generateName, where a trailing '-' is fine.
using NameCheck = Messages (*)(std::string_view name, bool prefix);

Messages subdomain_name(std::string_view name, bool prefix);
Messages label_name(std::string_view name, bool prefix);
Messages dns1035_name(std::string_view name, bool prefix);
Messages segment_name(std::string_view name, bool prefix);

void check_metadata(FieldErrors& errors, const metav1::ObjectMeta& metadata, bool namespaced,
                    NameCheck name_check, const FieldPath& at = FieldPath("metadata"));
void check_metadata_update(FieldErrors& errors, const metav1::ObjectMeta& metadata,
                           const metav1::ObjectMeta& old,
                           const FieldPath& at = FieldPath("metadata"));
void check_annotations(FieldErrors& errors, const FieldPath& at,
                       const std::map<std::string, std::string>& annotations);
void check_dns1123_label(FieldErrors& errors, const FieldPath& at, std::string_view text);
void check_dns1123_subdomain(FieldErrors& errors, const FieldPath& at, std::string_view text);
void check_not_negative(FieldErrors& errors, const FieldPath& at, std::int64_t value);

template <class T>
void check_immutable(FieldErrors& errors, const FieldPath& at, const T& value, const T& old) {
  if (!(value == old)) errors.invalid(at, value, kImmutable);
}

}  // namespace kpp::validation
