#include "validation/workloads.h"

#include <algorithm>

#include "api/json_codec.h"
#include "validation/core/pods.h"

namespace kpp::validation {

void check_always_restarted(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec,
                            std::string_view deadline_message) {
  if (spec.restart_policy != "Always") {
    errors.not_supported(at.child("restartPolicy"), spec.restart_policy, {"Always"});
  }
  if (spec.active_deadline_seconds) {
    errors.forbidden(at.child("activeDeadlineSeconds"),
                     deadline_message.empty()
                         ? "activeDeadlineSeconds in ReplicaSet is not Supported"
                         : deadline_message);
  }
}

void check_workload_selector(FieldErrors& errors, const FieldPath& at,
                             const api::Opt<metav1::LabelSelector>& selector,
                             std::string_view kind) {
  if (!selector) return errors.required(at);
  check_selector(errors, at, *selector);
  if (is_empty(*selector)) {
    errors.invalid(at, selector_value(selector), cat("empty selector is invalid for ", kind));
  }
}

bool check_selected_template(FieldErrors& errors, const FieldPath& at,
                             const api::Opt<metav1::LabelSelector>& selector,
                             const corev1::PodTemplateSpec& pod_template) {
  if (selector && !is_valid(*selector)) {
    errors.invalid(at.child("selector"), selector_value(selector), "invalid label selector");
    return false;
  }
  check_template_labels(errors, at.child("template", "metadata").child("labels"), selector,
                        pod_template.metadata.labels);
  check_pod_template(errors, at.child("template"), pod_template);
  return true;
}

void check_template_labels(FieldErrors& errors, const FieldPath& at,
                           const api::Opt<metav1::LabelSelector>& selector, const Labels& labels) {
  // No selector selects nothing; an empty one is reported where it stands.
  if (selector && (is_empty(*selector) || !is_valid(*selector))) return;
  if (!selector || !matches(*selector, labels)) {
    errors.invalid(at, labels, "`selector` does not match template `labels`");
  }
}

void check_count_or_percent(FieldErrors& errors, const FieldPath& at,
                            const api::IntOrString& value) {
  if (value.is_string) {
    errors.invalid_each(at, value, percent(value.string_value));
  } else {
    check_not_negative(errors, at, value.int_value);
  }
}

void check_at_most_all(FieldErrors& errors, const FieldPath& at, const api::IntOrString& value) {
  if (value.is_string && percent(value.string_value).empty() && count_or_percent(value) > 100) {
    errors.invalid(at, value, "must not be greater than 100%");
  }
}

int count_or_percent(const api::IntOrString& value) {
  if (!value.is_string) return value.int_value;
  int out = 0;
  for (const char c : value.string_value) {
    if (c < '0' || c > '9') break;
    out = std::min(out * 10 + (c - '0'), 1'000'000);
  }
  return out;
}

void check_selector_unchanged(FieldErrors& errors, const api::Opt<metav1::LabelSelector>& selector,
                              const api::Opt<metav1::LabelSelector>& old) {
  const bool same =
      selector.has_value() == old.has_value() && (!selector || api::equal(*selector, *old));
  if (!same)
    errors.invalid(FieldPath("spec").child("selector"), selector_value(selector), kImmutable);
}

void check_at_most(FieldErrors& errors, std::string_view field, std::int32_t value,
                   std::string_view bound, std::int32_t most) {
  if (value > most)
    errors.invalid(FieldPath("status").child(field), value, cat("cannot be greater than ", bound));
}

void check_collisions_grow(FieldErrors& errors, const std::optional<std::int32_t>& count,
                           const std::optional<std::int32_t>& old) {
  if (old && (!count || *count < *old))
    errors.invalid(FieldPath("status").child("collisionCount"),
                   count ? Value(*count) : Value(nullptr), "cannot be decremented");
}

}  // namespace kpp::validation
