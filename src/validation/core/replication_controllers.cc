// ReplicationControllers, and Scale, by which replicas are counted everywhere.
#include "validation/core/pods.h"
#include "validation/rules.h"
#include "validation/selectors.h"
#include "validation/workloads.h"

namespace kpp::validation {
namespace {

void check_spec(FieldErrors& errors, const corev1::ReplicationControllerSpec& spec) {
  const FieldPath at("spec");
  check_not_negative(errors, at.child("minReadySeconds"), spec.min_ready_seconds);
  if (spec.selector.empty()) errors.required(at.child("selector"));
  if (spec.replicas) check_not_negative(errors, at.child("replicas"), *spec.replicas);
  const FieldPath template_at = at.child("template");
  if (!spec.template_) return errors.required(template_at);
  if (!spec.selector.empty()) {
    metav1::LabelSelector selector;
    selector.match_labels = spec.selector;
    if (!matches(selector, spec.template_->metadata.labels)) {
      errors.invalid(template_at.child("metadata", "labels"), spec.template_->metadata.labels,
                     "`selector` does not match template `labels`");
    }
  }
  check_pod_template(errors, template_at, *spec.template_);
  check_always_restarted(errors, template_at.child("spec"), spec.template_->spec);
}

}  // namespace

void validate(FieldErrors& errors, const corev1::ReplicationController& controller,
              const Context&) {
  check_metadata(errors, controller.metadata, true, subdomain_name);
  check_spec(errors, controller.spec);
}

void validate_change(FieldErrors& errors, const corev1::ReplicationController& controller,
                     const corev1::ReplicationController& old, const Context& context) {
  check_metadata_update(errors, controller.metadata, old.metadata);
  if (context.is_status) return check_replica_status(errors, controller.status);
  check_spec(errors, controller.spec);
}

void validate(FieldErrors& errors, const autoscalingv1::Scale& scale, const Context&) {
  check_metadata(errors, scale.metadata, true, subdomain_name);
  check_not_negative(errors, FieldPath("spec").child("replicas"), scale.spec.replicas);
}

void validate_change(FieldErrors& errors, const autoscalingv1::Scale& scale,
                     const autoscalingv1::Scale&, const Context& context) {
  validate(errors, scale, context);
}

}  // namespace kpp::validation
