// What the kinds that keep pods running have in common.
#pragma once

#include <optional>

#include "api/corev1.h"
#include "validation/field_errors.h"
#include "validation/metadata.h"
#include "validation/selectors.h"

namespace kpp::validation {

// Pods that are replaced when they end: restartPolicy Always and no deadline.
void check_always_restarted(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec,
                            std::string_view deadline_message = {});
// spec.selector must be given, not be empty, and be valid; `kind` stands in the message.
void check_workload_selector(FieldErrors& errors, const FieldPath& at,
                             const api::Opt<metav1::LabelSelector>& selector,
                             std::string_view kind);
// The template's labels must be those that the selector selects.
void check_template_labels(FieldErrors& errors, const FieldPath& at,
                           const api::Opt<metav1::LabelSelector>& selector, const Labels& labels);
// The template under spec, which `at` is, and its labels. False where the selector is none that
// could be compared with them: that is told, and the template is not looked at.
bool check_selected_template(FieldErrors& errors, const FieldPath& at,
                             const api::Opt<metav1::LabelSelector>& selector,
                             const corev1::PodTemplateSpec& pod_template);
// Counts and percentages of a rollout or a budget.
void check_count_or_percent(FieldErrors& errors, const FieldPath& at,
                            const api::IntOrString& value);
void check_at_most_all(FieldErrors& errors, const FieldPath& at, const api::IntOrString& value);
// The number before '%', or the count.
int count_or_percent(const api::IntOrString& value);
void check_selector_unchanged(FieldErrors& errors, const api::Opt<metav1::LabelSelector>& selector,
                              const api::Opt<metav1::LabelSelector>& old);

// status.`field` may not be greater than `most`, which the message calls `bound`.
void check_at_most(FieldErrors& errors, std::string_view field, std::int32_t value,
                   std::string_view bound, std::int32_t most);
// status.collisionCount is never taken back.
void check_collisions_grow(FieldErrors& errors, const std::optional<std::int32_t>& count,
                           const std::optional<std::int32_t>& old);

// Status of a set of replicas: counts not negative and not more than all.
template <class Status>
void check_replica_status(FieldErrors& errors, const Status& status) {
  const FieldPath at("status");
  check_not_negative(errors, at.child("replicas"), status.replicas);
  check_not_negative(errors, at.child("fullyLabeledReplicas"), status.fully_labeled_replicas);
  check_not_negative(errors, at.child("readyReplicas"), status.ready_replicas);
  check_not_negative(errors, at.child("availableReplicas"), status.available_replicas);
  check_not_negative(errors, at.child("observedGeneration"), status.observed_generation);
  check_at_most(errors, "fullyLabeledReplicas", status.fully_labeled_replicas, "status.replicas",
                status.replicas);
  check_at_most(errors, "readyReplicas", status.ready_replicas, "status.replicas", status.replicas);
  check_at_most(errors, "availableReplicas", status.available_replicas, "status.replicas",
                status.replicas);
  check_at_most(errors, "availableReplicas", status.available_replicas, "readyReplicas",
                status.ready_replicas);
}

}  // namespace kpp::validation
