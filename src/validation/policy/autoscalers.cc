// HorizontalPodAutoscalers.
#include <algorithm>
#include <array>

#include "validation/amounts.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

using autoscalingv2::MetricTarget;

void check_segment(FieldErrors& errors, const FieldPath& at, const std::string& text,
                   std::string_view missing = {}) {
  if (text.empty()) {
    errors.required(at, missing);
  } else {
    errors.invalid_each(at, text, path_segment_name(text));
  }
}

void check_reference(FieldErrors& errors, const FieldPath& at,
                     const autoscalingv2::CrossVersionObjectReference& reference, bool scaled) {
  check_segment(errors, at.child("kind"), reference.kind);
  check_segment(errors, at.child("name"), reference.name);
  if (!scaled) return;
  const std::string& version = reference.api_version;
  const auto slashes = std::count(version.begin(), version.end(), '/');
  if (slashes > 1) {
    errors.invalid(at.child("apiVersion"), version,
                   cat("unexpected GroupVersion string: ", version));
  } else if (slashes == 0 && reference.kind != "ReplicationController") {
    errors.invalid(at.child("apiVersion"), version, "apiVersion must specify API group");
  }
}

void check_target(FieldErrors& errors, const FieldPath& at, const MetricTarget& target) {
  if (target.type.empty()) errors.required(at.child("type"), "must specify a metric target type");
  if (target.type != "Utilization" && target.type != "Value" && target.type != "AverageValue") {
    errors.invalid(at.child("type"), target.type,
                   "must be either Utilization, Value, or AverageValue");
  }
  if (target.value && amount_of(*target.value).sign() != 1)
    errors.invalid(at.child("value"), *target.value, "must be positive");
  if (target.average_value && amount_of(*target.average_value).sign() != 1) {
    errors.invalid(at.child("averageValue"), *target.average_value, "must be positive");
  }
  if (target.average_utilization && *target.average_utilization < 1) {
    errors.invalid(at.child("averageUtilization"), *target.average_utilization,
                   "must be greater than 0");
  }
}

void check_identifier(FieldErrors& errors, const FieldPath& at,
                      const autoscalingv2::MetricIdentifier& metric) {
  check_segment(errors, at.child("name"), metric.name, "must specify a metric name");
}

void check_utilization(FieldErrors& errors, const FieldPath& at, const MetricTarget& target) {
  if (!target.average_utilization && !target.average_value) {
    errors.required(at.child("averageUtilization"),
                    "must set either a target raw value or a target utilization");
  }
  if (target.average_utilization && target.average_value) {
    errors.forbidden(at.child("averageValue"),
                     "may not set both a target raw value and a target utilization");
  }
}

void check_source(FieldErrors& errors, const FieldPath& at, const autoscalingv2::MetricSpec& spec) {
  if (spec.object) {
    const FieldPath here = at.child("object");
    check_reference(errors, here.child("describedObject"), spec.object->described_object, false);
    check_identifier(errors, here.child("metric"), spec.object->metric);
    check_target(errors, here.child("target"), spec.object->target);
    if (!spec.object->target.value && !spec.object->target.average_value) {
      errors.required(here.child("target", "averageValue"),
                      "must set either a target value or averageValue");
    }
  }
  if (spec.external) {
    const FieldPath here = at.child("external");
    check_identifier(errors, here.child("metric"), spec.external->metric);
    check_target(errors, here.child("target"), spec.external->target);
    if (!spec.external->target.value && !spec.external->target.average_value) {
      errors.required(here.child("target", "averageValue"),
                      "must set either a target value for metric or a per-pod target");
    }
    if (spec.external->target.value && spec.external->target.average_value) {
      errors.forbidden(here.child("target", "value"),
                       "may not set both a target value for metric and a per-pod target");
    }
  }
  if (spec.pods) {
    const FieldPath here = at.child("pods");
    check_identifier(errors, here.child("metric"), spec.pods->metric);
    check_target(errors, here.child("target"), spec.pods->target);
    if (!spec.pods->target.average_value ||
        amount_of(*spec.pods->target.average_value).sign() != 1) {
      errors.required(here.child("target", "averageValue"),
                      "must specify a positive target averageValue");
    }
  }
  if (spec.resource) {
    const FieldPath here = at.child("resource");
    if (spec.resource->name.empty())
      errors.required(here.child("name"), "must specify a resource name");
    check_target(errors, here.child("target"), spec.resource->target);
    check_utilization(errors, here.child("target"), spec.resource->target);
  }
  if (spec.container_resource) {
    const FieldPath here = at.child("containerResource");
    if (spec.container_resource->name.empty())
      errors.required(here.child("name"), "must specify a resource name");
    if (spec.container_resource->container.empty())
      errors.required(here.child("container"), "must specify a container");
    check_target(errors, here.child("target"), spec.container_resource->target);
    check_utilization(errors, here.child("target"), spec.container_resource->target);
  }
}

void check_metric(FieldErrors& errors, const FieldPath& at, const autoscalingv2::MetricSpec& spec) {
  static constexpr std::array<std::string_view, 5> kTypes = {"ContainerResource", "External",
                                                             "Object", "Pods", "Resource"};
  const FieldPath type = at.child("type");
  if (spec.type.empty()) errors.required(type, "must specify a metric source type");
  const bool known = std::find(kTypes.begin(), kTypes.end(), spec.type) != kTypes.end();
  if (!known) errors.not_supported(type, spec.type, kTypes);
  const std::array<std::pair<std::string_view, bool>, 5> sources = {
      {{"object", spec.object.has_value()},
       {"external", spec.external.has_value()},
       {"pods", spec.pods.has_value()},
       {"resource", spec.resource.has_value()},
       {"containerResource", spec.container_resource.has_value()}}};
  std::string wanted;
  if (known) {
    wanted = spec.type;
    wanted[0] = static_cast<char>(wanted[0] - 'A' + 'a');
    const auto own = std::find_if(sources.begin(), sources.end(),
                                  [&](const auto& s) { return s.first == wanted; });
    if (!own->second)
      errors.required(at.child(wanted), "must populate information for the given metric source");
  } else {
    errors.not_supported(type, spec.type, kTypes);
  }
  const auto given =
      std::count_if(sources.begin(), sources.end(), [](const auto& s) { return s.second; });
  if (given > 1) {
    for (const auto& [name, set] : sources) {
      if (set && name != wanted)
        errors.forbidden(at.child(name), "must populate the given metric source only");
    }
  }
  // A metric with several sources is read only as the one that it names.
  if (given <= 1) {
    check_source(errors, at, spec);
  } else {
    autoscalingv2::MetricSpec own = spec;
    if (wanted != "object") own.object.reset();
    if (wanted != "external") own.external.reset();
    if (wanted != "pods") own.pods.reset();
    if (wanted != "resource") own.resource.reset();
    if (wanted != "containerResource") own.container_resource.reset();
    check_source(errors, at, own);
  }
}

void check_scaling(FieldErrors& errors, const FieldPath& at,
                   const api::Opt<autoscalingv2::HPAScalingRules>& rules) {
  if (!rules) return;
  const FieldPath window = at.child("stabilizationWindowSeconds");
  if (rules->stabilization_window_seconds) {
    const std::int32_t seconds = *rules->stabilization_window_seconds;
    if (seconds < 0) errors.invalid(window, seconds, "must be greater than or equal to zero");
    if (seconds > 3600) errors.invalid(window, seconds, "must be less than or equal to 3600");
  }
  if (rules->select_policy && *rules->select_policy != "Max" && *rules->select_policy != "Min" &&
      *rules->select_policy != "Disabled") {
    errors.not_supported(at.child("selectPolicy"), *rules->select_policy,
                         {"Disabled", "Max", "Min"});
  }
  const FieldPath policies = at.child("policies");
  if (rules->policies.empty()) errors.required(policies, "must specify at least one Policy");
  for (std::size_t i = 0; i < rules->policies.size(); ++i) {
    const autoscalingv2::HPAScalingPolicy& policy = rules->policies[i];
    const FieldPath here = policies.index(i);
    if (policy.type != "Pods" && policy.type != "Percent") {
      errors.not_supported(here.child("type"), policy.type, {"Percent", "Pods"});
    }
    if (policy.value <= 0)
      errors.invalid(here.child("value"), policy.value, "must be greater than zero");
    if (policy.period_seconds <= 0)
      errors.invalid(here.child("periodSeconds"), policy.period_seconds,
                     "must be greater than zero");
    if (policy.period_seconds > 1800) {
      errors.invalid(here.child("periodSeconds"), policy.period_seconds,
                     "must be less than or equal to 1800");
    }
  }
}

void check_spec(FieldErrors& errors, const autoscalingv2::HorizontalPodAutoscalerSpec& spec) {
  const FieldPath at("spec");
  if (spec.min_replicas && *spec.min_replicas < 1) {
    errors.invalid(at.child("minReplicas"), *spec.min_replicas,
                   "must be greater than or equal to 1");
  }
  if (spec.max_replicas < 1)
    errors.required(at.child("maxReplicas"), "must be set and greater than 0");
  if (spec.min_replicas && spec.max_replicas < *spec.min_replicas) {
    errors.invalid(at.child("maxReplicas"), spec.max_replicas,
                   "must be greater than or equal to `minReplicas`");
  }
  check_reference(errors, at.child("scaleTargetRef"), spec.scale_target_ref, true);
  bool from_outside = false;
  for (std::size_t i = 0; i < spec.metrics.size(); ++i) {
    check_metric(errors, at.child("metrics").index(i), spec.metrics[i]);
    from_outside =
        from_outside || spec.metrics[i].type == "Object" || spec.metrics[i].type == "External";
  }
  if (spec.min_replicas == 0 && !from_outside) {
    errors.forbidden(
        at.child("metrics"),
        "must specify at least one Object or External metric to support scaling to zero replicas");
  }
  if (!spec.behavior) return;
  check_scaling(errors, at.child("behavior", "scaleUp"), spec.behavior->scale_up);
  check_scaling(errors, at.child("behavior", "scaleDown"), spec.behavior->scale_down);
}

}  // namespace

void validate(FieldErrors& errors, const autoscalingv2::HorizontalPodAutoscaler& scaler,
              const Context&) {
  check_metadata(errors, scaler.metadata, true, subdomain_name);
  check_spec(errors, scaler.spec);
}

void validate_change(FieldErrors& errors, const autoscalingv2::HorizontalPodAutoscaler& scaler,
                     const autoscalingv2::HorizontalPodAutoscaler& old, const Context& context) {
  check_metadata_update(errors, scaler.metadata, old.metadata);
  if (!context.is_status) check_spec(errors, scaler.spec);
}

}  // namespace kpp::validation
