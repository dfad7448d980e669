#include "validation/selectors.h"

#include <algorithm>

#include "validation/formats.h"
#include "validation/go_value.h"

namespace kpp::validation {

void check_label_key(FieldErrors& errors, const FieldPath& at, std::string_view key) {
  errors.invalid_each(at, key, qualified_name(key));
}

void check_label_value(FieldErrors& errors, const FieldPath& at, std::string_view value) {
  errors.invalid_each(at, value, label_value(value));
}

void check_labels(FieldErrors& errors, const FieldPath& at, const Labels& labels) {
  for (const auto& [key, value] : labels) {
    check_label_key(errors, at, key);
    check_label_value(errors, at, value);
  }
}

void check_selector(FieldErrors& errors, const FieldPath& at,
                    const metav1::LabelSelector& selector) {
  check_labels(errors, at.child("matchLabels"), selector.match_labels);
  for (std::size_t i = 0; i < selector.match_expressions.size(); ++i) {
    const metav1::LabelSelectorRequirement& requirement = selector.match_expressions[i];
    const FieldPath here = at.child("matchExpressions").index(i);
    if (requirement.operator_ == "In" || requirement.operator_ == "NotIn") {
      if (requirement.values.empty()) {
        errors.required(here.child("values"),
                        "must be specified when `operator` is 'In' or 'NotIn'");
      }
    } else if (requirement.operator_ == "Exists" || requirement.operator_ == "DoesNotExist") {
      if (!requirement.values.empty()) {
        errors.forbidden(here.child("values"),
                         "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else {
      errors.invalid(here.child("operator"), requirement.operator_,
                     "not a valid selector operator");
    }
    check_label_key(errors, here.child("key"), requirement.key);
    for (std::size_t k = 0; k < requirement.values.size(); ++k) {
      check_label_value(errors, here.child("values").index(k), requirement.values[k]);
    }
  }
}

bool is_empty(const metav1::LabelSelector& selector) {
  return selector.match_labels.empty() && selector.match_expressions.empty();
}

bool is_valid(const metav1::LabelSelector& selector) {
  FieldErrors errors;
  check_selector(errors, FieldPath("selector"), selector);
  return errors.empty();
}

bool matches(const metav1::LabelSelector& selector, const Labels& labels) {
  for (const auto& [key, value] : selector.match_labels) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return std::all_of(selector.match_expressions.begin(), selector.match_expressions.end(),
                     [&](const auto& requirement) {
                       const auto found = labels.find(requirement.key);
                       const bool has = found != labels.end();
                       if (requirement.operator_ == "In")
                         return has && contains(requirement.values, found->second);
                       if (requirement.operator_ == "NotIn")
                         return !has || !contains(requirement.values, found->second);
                       if (requirement.operator_ == "Exists") return has;
                       return !has;
                     });
}

Value selector_value(const api::Opt<metav1::LabelSelector>& selector) { return go_value(selector); }

}  // namespace kpp::validation
