// What says which requests an admission webhook or policy sees.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/admissionregistrationv1.h"
#include "validation/expressions/admission.h"
#include "validation/field_errors.h"

namespace kpp::validation {

void check_rule(FieldErrors& errors, const FieldPath& at,
                const admissionregistrationv1::RuleWithOperations& rule);
void check_match_resources(FieldErrors& errors, const FieldPath& at,
                           const admissionregistrationv1::MatchResources& match);
void check_match_conditions(FieldErrors& errors, const FieldPath& at,
                            std::span<const admissionregistrationv1::MatchCondition> conditions,
                            bool with_params = false);
// An expression that must compile and answer one of the types; answers its own type, nullptr if it
// is wrong.
cel::TypeRef check_expression(FieldErrors& errors, const FieldPath& at,
                              const AdmissionCompiler& compiler, std::string_view expression,
                              const Sight& sight, std::initializer_list<cel::TypeRef> wanted);
// A value out of a list, of a field that defaulting has filled.
void check_choice(FieldErrors& errors, const FieldPath& at, const std::optional<std::string>& value,
                  std::initializer_list<std::string_view> choices);

}  // namespace kpp::validation
