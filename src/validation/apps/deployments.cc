// Deployments.
#include "validation/go_value.h"
#include "validation/rules.h"
#include "validation/workloads.h"

namespace kpp::validation {
namespace {

void check_rolling(FieldErrors& errors, const FieldPath& at,
                   const appsv1::RollingUpdateDeployment& rolling) {
  const api::IntOrString unavailable = rolling.max_unavailable.value_or(api::IntOrString(0));
  const api::IntOrString surge = rolling.max_surge.value_or(api::IntOrString(0));
  check_count_or_percent(errors, at.child("maxUnavailable"), unavailable);
  check_count_or_percent(errors, at.child("maxSurge"), surge);
  if (count_or_percent(unavailable) == 0 && count_or_percent(surge) == 0) {
    errors.invalid(at.child("maxUnavailable"), unavailable, "may not be 0 when `maxSurge` is 0");
  }
  check_at_most_all(errors, at.child("maxUnavailable"), unavailable);
}

void check_strategy(FieldErrors& errors, const FieldPath& at,
                    const appsv1::DeploymentStrategy& strategy) {
  if (strategy.type == "Recreate") {
    if (strategy.rolling_update) {
      errors.forbidden(at.child("rollingUpdate"),
                       "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (strategy.type == "RollingUpdate") {
    if (!strategy.rolling_update) {
      errors.required(at.child("rollingUpdate"), "this should be defaulted and never be nil");
    } else {
      check_rolling(errors, at.child("rollingUpdate"), *strategy.rolling_update);
    }
  } else {
    errors.not_supported(at, go_value(strategy), {"Recreate", "RollingUpdate"});
  }
}

void check_spec(FieldErrors& errors, const appsv1::DeploymentSpec& spec) {
  const FieldPath at("spec");
  check_not_negative(errors, at.child("replicas"), spec.replicas.value_or(0));
  check_workload_selector(errors, at.child("selector"), spec.selector, "deployment");
  if (check_selected_template(errors, at, spec.selector, spec.template_))
    check_always_restarted(errors, at.child("template", "spec"), spec.template_.spec);
  check_strategy(errors, at.child("strategy"), spec.strategy);
  check_not_negative(errors, at.child("minReadySeconds"), spec.min_ready_seconds);
  if (spec.revision_history_limit)
    check_not_negative(errors, at.child("revisionHistoryLimit"), *spec.revision_history_limit);
  if (spec.progress_deadline_seconds) {
    const std::int32_t deadline = *spec.progress_deadline_seconds;
    check_not_negative(errors, at.child("progressDeadlineSeconds"), deadline);
    if (deadline <= spec.min_ready_seconds) {
      errors.invalid(at.child("progressDeadlineSeconds"), deadline,
                     "must be greater than minReadySeconds");
    }
  }
}

void check_status(FieldErrors& errors, const appsv1::DeploymentStatus& status,
                  const appsv1::DeploymentStatus& old) {
  const FieldPath at("status");
  check_not_negative(errors, at.child("observedGeneration"), status.observed_generation);
  check_not_negative(errors, at.child("replicas"), status.replicas);
  check_not_negative(errors, at.child("updatedReplicas"), status.updated_replicas);
  check_not_negative(errors, at.child("readyReplicas"), status.ready_replicas);
  check_not_negative(errors, at.child("availableReplicas"), status.available_replicas);
  check_not_negative(errors, at.child("unavailableReplicas"), status.unavailable_replicas);
  if (status.terminating_replicas)
    check_not_negative(errors, at.child("terminatingReplicas"), *status.terminating_replicas);
  if (status.collision_count)
    check_not_negative(errors, at.child("collisionCount"), *status.collision_count);
  check_at_most(errors, "updatedReplicas", status.updated_replicas, "status.replicas",
                status.replicas);
  check_at_most(errors, "readyReplicas", status.ready_replicas, "status.replicas", status.replicas);
  check_at_most(errors, "availableReplicas", status.available_replicas, "status.replicas",
                status.replicas);
  check_at_most(errors, "availableReplicas", status.available_replicas, "readyReplicas",
                status.ready_replicas);
  check_collisions_grow(errors, status.collision_count, old.collision_count);
}

}  // namespace

void validate(FieldErrors& errors, const appsv1::Deployment& deployment, const Context&) {
  check_metadata(errors, deployment.metadata, true, subdomain_name);
  check_spec(errors, deployment.spec);
}

void validate_change(FieldErrors& errors, const appsv1::Deployment& deployment,
                     const appsv1::Deployment& old, const Context& context) {
  check_metadata_update(errors, deployment.metadata, old.metadata);
  if (context.is_status) return check_status(errors, deployment.status, old.status);
  check_spec(errors, deployment.spec);
  check_selector_unchanged(errors, deployment.spec.selector, old.spec.selector);
}

}  // namespace kpp::validation
