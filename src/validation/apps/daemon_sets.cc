// DaemonSets, and the revisions that DaemonSets and StatefulSets keep.
#include "validation/core/pods.h"
#include "validation/go_value.h"
#include "validation/rules.h"
#include "validation/workloads.h"

namespace kpp::validation {
namespace {

void check_rolling(FieldErrors& errors, const FieldPath& at,
                   const appsv1::RollingUpdateDaemonSet& rolling) {
  const api::IntOrString unavailable = rolling.max_unavailable.value_or(api::IntOrString(0));
  const api::IntOrString surge = rolling.max_surge.value_or(api::IntOrString(0));
  check_count_or_percent(errors, at.child("maxUnavailable"), unavailable);
  check_count_or_percent(errors, at.child("maxSurge"), surge);
  check_at_most_all(errors, at.child("maxUnavailable"), unavailable);
  check_at_most_all(errors, at.child("maxSurge"), surge);
  const bool has_unavailable = count_or_percent(unavailable) != 0;
  const bool has_surge = count_or_percent(surge) != 0;
  if (has_unavailable && has_surge) {
    errors.invalid(at.child("maxSurge"), surge, "may not be set when maxUnavailable is non-zero");
  } else if (!has_unavailable && !has_surge) {
    errors.required(at.child("maxUnavailable"), "cannot be 0 when maxSurge is 0");
  }
}

void check_spec(FieldErrors& errors, const appsv1::DaemonSetSpec& spec) {
  const FieldPath at("spec");
  if (spec.selector) check_selector(errors, at.child("selector"), *spec.selector);
  const bool selects = spec.selector && is_valid(*spec.selector) &&
                       matches(*spec.selector, spec.template_.metadata.labels);
  if (!selects) {
    errors.invalid(at.child("template", "metadata").child("labels"), spec.template_.metadata.labels,
                   "`selector` does not match template `labels`");
  }
  if (spec.selector && is_empty(*spec.selector)) {
    errors.invalid(at.child("selector"), selector_value(spec.selector),
                   "empty selector is invalid for daemonset");
  }
  check_pod_template(errors, at.child("template"), spec.template_);
  check_always_restarted(errors, at.child("template", "spec"), spec.template_.spec,
                         "activeDeadlineSeconds in DaemonSet is not Supported");
  check_not_negative(errors, at.child("minReadySeconds"), spec.min_ready_seconds);
  const FieldPath strategy = at.child("updateStrategy");
  if (spec.update_strategy.type == "RollingUpdate") {
    if (!spec.update_strategy.rolling_update) {
      errors.required(strategy.child("rollingUpdate"));
    } else {
      check_rolling(errors, strategy.child("rollingUpdate"), *spec.update_strategy.rolling_update);
    }
  } else if (spec.update_strategy.type != "OnDelete") {
    errors.not_supported(strategy, go_value(spec.update_strategy), {"RollingUpdate", "OnDelete"});
  }
  if (spec.revision_history_limit)
    check_not_negative(errors, at.child("revisionHistoryLimit"), *spec.revision_history_limit);
}

void check_status(FieldErrors& errors, const appsv1::DaemonSetStatus& status,
                  const appsv1::DaemonSetStatus& old) {
  const FieldPath at("status");
  check_not_negative(errors, at.child("currentNumberScheduled"), status.current_number_scheduled);
  check_not_negative(errors, at.child("numberMisscheduled"), status.number_misscheduled);
  check_not_negative(errors, at.child("desiredNumberScheduled"), status.desired_number_scheduled);
  check_not_negative(errors, at.child("numberReady"), status.number_ready);
  check_not_negative(errors, at.child("observedGeneration"), status.observed_generation);
  check_not_negative(errors, at.child("updatedNumberScheduled"), status.updated_number_scheduled);
  check_not_negative(errors, at.child("numberAvailable"), status.number_available);
  check_not_negative(errors, at.child("numberUnavailable"), status.number_unavailable);
  if (status.collision_count)
    check_not_negative(errors, at.child("collisionCount"), *status.collision_count);
  check_collisions_grow(errors, status.collision_count, old.collision_count);
}

}  // namespace

void validate(FieldErrors& errors, const appsv1::DaemonSet& set, const Context&) {
  check_metadata(errors, set.metadata, true, subdomain_name);
  check_spec(errors, set.spec);
}

void validate_change(FieldErrors& errors, const appsv1::DaemonSet& set,
                     const appsv1::DaemonSet& old, const Context& context) {
  check_metadata_update(errors, set.metadata, old.metadata);
  if (context.is_status) return check_status(errors, set.status, old.status);
  check_spec(errors, set.spec);
  check_selector_unchanged(errors, set.spec.selector, old.spec.selector);
}

void validate(FieldErrors& errors, const appsv1::ControllerRevision& revision, const Context&) {
  check_metadata(errors, revision.metadata, true, subdomain_name);
  if (revision.data.empty()) errors.required(FieldPath("data"), "data is mandatory");
  check_not_negative(errors, FieldPath("revision"), revision.revision);
}

void validate_change(FieldErrors& errors, const appsv1::ControllerRevision& revision,
                     const appsv1::ControllerRevision& old, const Context& context) {
  check_metadata_update(errors, revision.metadata, old.metadata);
  validate(errors, revision, context);
  if (!(revision.data == old.data))
    errors.invalid(FieldPath("data"), Value::raw(revision.data.json), kImmutable);
}

}  // namespace kpp::validation
