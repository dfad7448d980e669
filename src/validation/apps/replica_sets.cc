// ReplicaSets.
#include "validation/rules.h"
#include "validation/workloads.h"

namespace kpp::validation {
namespace {

void check_spec(FieldErrors& errors, const appsv1::ReplicaSetSpec& spec) {
  const FieldPath at("spec");
  check_not_negative(errors, at.child("replicas"), spec.replicas.value_or(0));
  check_not_negative(errors, at.child("minReadySeconds"), spec.min_ready_seconds);
  check_workload_selector(errors, at.child("selector"), spec.selector, "deployment");
  if (check_selected_template(errors, at, spec.selector, spec.template_))
    check_always_restarted(errors, at.child("template", "spec"), spec.template_.spec);
}

}  // namespace

void validate(FieldErrors& errors, const appsv1::ReplicaSet& set, const Context&) {
  check_metadata(errors, set.metadata, true, subdomain_name);
  check_spec(errors, set.spec);
}

void validate_change(FieldErrors& errors, const appsv1::ReplicaSet& set,
                     const appsv1::ReplicaSet& old, const Context& context) {
  check_metadata_update(errors, set.metadata, old.metadata);
  if (context.is_status) return check_replica_status(errors, set.status);
  check_spec(errors, set.spec);
  check_selector_unchanged(errors, set.spec.selector, old.spec.selector);
}

}  // namespace kpp::validation
