// Claims for persistent volumes.
#pragma once

#include "api/corev1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

void check_claim_spec(FieldErrors& errors, const FieldPath& at,
                      const corev1::PersistentVolumeClaimSpec& spec);
void check_claim_template(FieldErrors& errors, const FieldPath& at,
                          const corev1::PersistentVolumeClaimTemplate& claim);
void check_access_modes(FieldErrors& errors, const FieldPath& at,
                        const std::vector<std::string>& modes);

}  // namespace kpp::validation
