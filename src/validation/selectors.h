// Label selectors: their rules and whether they match.
#pragma once

#include <map>
#include <string>

#include "api/metav1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

using Labels = std::map<std::string, std::string>;

void check_labels(FieldErrors& errors, const FieldPath& at, const Labels& labels);
void check_label_key(FieldErrors& errors, const FieldPath& at, std::string_view key);
void check_label_value(FieldErrors& errors, const FieldPath& at, std::string_view value);
void check_selector(FieldErrors& errors, const FieldPath& at,
                    const metav1::LabelSelector& selector);
bool is_empty(const metav1::LabelSelector& selector);
// False if an operator or a value is not valid.
bool is_valid(const metav1::LabelSelector& selector);
bool matches(const metav1::LabelSelector& selector, const Labels& labels);
Value selector_value(const api::Opt<metav1::LabelSelector>& selector);

}  // namespace kpp::validation
