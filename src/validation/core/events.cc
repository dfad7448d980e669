// Events.
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

bool is_new_style(const corev1::Event& event) { return !event.event_time.is_zero(); }

// The namespace of an event is that of the object it tells of; cluster-scoped objects have theirs
// in "default".
void check_namespace(FieldErrors& errors, const corev1::Event& event) {
  const std::string& about = event.involved_object.namespace_;
  const FieldPath at = FieldPath("involvedObject").child("namespace");
  if (about.empty()) {
    if (event.metadata.namespace_ != "default" && event.metadata.namespace_ != "kube-system" &&
        !event.metadata.namespace_.empty()) {
      errors.invalid(at, about, "does not match event.namespace");
    }
  } else if (about != event.metadata.namespace_) {
    errors.invalid(at, about, "does not match event.namespace");
  }
}

}  // namespace

void validate(FieldErrors& errors, const corev1::Event& event, const Context&) {
  check_namespace(errors, event);
  if (is_new_style(event)) {
    const FieldPath component("reportingComponent");
    if (event.reporting_component.empty()) errors.required(component);
    errors.invalid_each(component, event.reporting_component,
                        qualified_name(event.reporting_component));
    if (event.reporting_instance.empty()) errors.required(FieldPath("reportingInstance"));
    if (event.reporting_instance.size() > 128) errors.too_long(FieldPath("reportingInstance"), 128);
    if (event.action.empty()) errors.required(FieldPath("action"));
    if (event.action.size() > 128) errors.too_long(FieldPath("action"), 128);
    if (event.reason.empty()) errors.required(FieldPath("reason"));
    if (event.reason.size() > 128) errors.too_long(FieldPath("reason"), 128);
    if (event.message.size() > 1024) errors.too_long(FieldPath("message"), 1024);
  }
  errors.invalid_each(FieldPath("metadata").child("namespace"), event.metadata.namespace_,
                      dns1123_label(event.metadata.namespace_));
}

void validate_change(FieldErrors& errors, const corev1::Event& event, const corev1::Event&,
                     const Context& context) {
  validate(errors, event, context);
}

}  // namespace kpp::validation
