// Names of certificate signers: "example.com/signer-name".
#pragma once

#include <string_view>

#include "validation/field_errors.h"

namespace kpp::validation {

void check_signer_name(FieldErrors& errors, const FieldPath& at, std::string_view name);

}  // namespace kpp::validation
