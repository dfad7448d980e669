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

namespace {

void check_length(FieldErrors& errors, std::string_view field, std::string_view text,
                  std::size_t most) {
  if (text.size() > most) {
    errors.invalid(FieldPath(field), "", cat("can have at most ", most, " characters"));
  }
}

void check_given(FieldErrors& errors, std::string_view field, std::string_view text,
                 std::size_t most) {
  if (text.empty()) errors.required(FieldPath(field));
  check_length(errors, field, text, most);
}

// Fields of the old form, which this version has for reading only.
void check_unset(FieldErrors& errors, const eventsv1::Event& event) {
  constexpr std::string_view kUnset = "needs to be unset";
  if (!event.deprecated_first_timestamp.is_zero())
    errors.invalid(FieldPath("firstTimestamp"), "", kUnset);
  if (!event.deprecated_last_timestamp.is_zero())
    errors.invalid(FieldPath("lastTimestamp"), "", kUnset);
  if (event.deprecated_count != 0) errors.invalid(FieldPath("count"), "", kUnset);
  if (!event.deprecated_source.component.empty() || !event.deprecated_source.host.empty())
    errors.invalid(FieldPath("source"), "", kUnset);
}

void check_series(FieldErrors& errors, const eventsv1::Event& event) {
  if (!event.series) return;
  if (event.series->count < 2)
    errors.invalid(FieldPath("series").child("count"), "", "should be at least 2");
  if (event.series->last_observed_time.is_zero())
    errors.required(FieldPath("series").child("lastObservedTime"));
}

}  // namespace

void validate(FieldErrors& errors, const eventsv1::Event& event, const Context&) {
  corev1::Event about;
  about.metadata.namespace_ = event.metadata.namespace_;
  about.involved_object.namespace_ = event.regarding.namespace_;
  check_namespace(errors, about);
  if (event.reporting_controller.empty()) errors.required(FieldPath("reportingController"));
  errors.invalid_each(FieldPath("reportingController"), event.reporting_controller,
                      qualified_name(event.reporting_controller));
  check_given(errors, "reportingInstance", event.reporting_instance, 128);
  check_given(errors, "action", event.action, 128);
  check_given(errors, "reason", event.reason, 128);
  check_length(errors, "message", event.note, 1024);
  check_metadata(errors, event.metadata, true, subdomain_name);
  check_series(errors, event);
  if (event.event_time.is_zero()) errors.required(FieldPath("eventTime"));
  if (event.type != "Normal" && event.type != "Warning")
    errors.invalid(FieldPath("type"), "", cat("has invalid value: ", event.type));
  check_unset(errors, event);
}

void validate_change(FieldErrors& errors, const eventsv1::Event& event, const eventsv1::Event& old,
                     const Context&) {
  check_metadata_update(errors, event.metadata, old.metadata);
  const auto keep = [&](std::string_view field, const std::string& now, const std::string& before) {
    check_immutable(errors, FieldPath(field), now, before);
  };
  keep("reportingController", event.reporting_controller, old.reporting_controller);
  keep("reportingInstance", event.reporting_instance, old.reporting_instance);
  keep("action", event.action, old.action);
  keep("reason", event.reason, old.reason);
  keep("message", event.note, old.note);
  keep("type", event.type, old.type);
  check_series(errors, event);
}

void validate_change(FieldErrors& errors, const corev1::Event& event, const corev1::Event&,
                     const Context& context) {
  validate(errors, event, context);
}

}  // namespace kpp::validation
