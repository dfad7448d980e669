// PodDisruptionBudgets.
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"
#include "validation/workloads.h"

namespace kpp::validation {
namespace {

void check_spec(FieldErrors& errors, const policyv1::PodDisruptionBudgetSpec& spec) {
  const FieldPath at("spec");
  if (spec.min_available && spec.max_unavailable) {
    errors.invalid(at, go_value(spec), "minAvailable and maxUnavailable cannot be both set");
  }
  if (spec.min_available) {
    check_count_or_percent(errors, at.child("minAvailable"), *spec.min_available);
    check_at_most_all(errors, at.child("minAvailable"), *spec.min_available);
  }
  if (spec.max_unavailable) {
    check_count_or_percent(errors, at.child("maxUnavailable"), *spec.max_unavailable);
    check_at_most_all(errors, at.child("maxUnavailable"), *spec.max_unavailable);
  }
  if (spec.selector) check_selector(errors, at.child("selector"), *spec.selector);
  const auto& policy = spec.unhealthy_pod_eviction_policy;
  if (policy && *policy != "AlwaysAllow" && *policy != "IfHealthyBudget") {
    errors.not_supported(at.child("unhealthyPodEvictionPolicy"), *policy,
                         {"AlwaysAllow", "IfHealthyBudget"});
  }
}

}  // namespace

void validate(FieldErrors& errors, const policyv1::PodDisruptionBudget& budget, const Context&) {
  check_metadata(errors, budget.metadata, true, subdomain_name);
  check_spec(errors, budget.spec);
}

void validate_change(FieldErrors& errors, const policyv1::PodDisruptionBudget& budget,
                     const policyv1::PodDisruptionBudget& old, const Context& context) {
  check_metadata_update(errors, budget.metadata, old.metadata);
  if (!context.is_status) return check_spec(errors, budget.spec);
  const FieldPath at("status");
  check_not_negative(errors, at.child("podDisruptionsAllowed"), budget.status.disruptions_allowed);
  check_not_negative(errors, at.child("currentHealthy"), budget.status.current_healthy);
  check_not_negative(errors, at.child("desiredHealthy"), budget.status.desired_healthy);
  check_not_negative(errors, at.child("expectedPods"), budget.status.expected_pods);
}

}  // namespace kpp::validation
