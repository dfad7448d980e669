#include <string>
#include <vector>

#include "apiserver/conversion.h"
#include "apiserver/table/printers.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

using autoscalingv2::MetricSpec;
using autoscalingv2::MetricStatus;
using autoscalingv2::MetricTarget;
using autoscalingv2::MetricValueStatus;

std::string text_of(const std::optional<api::Quantity>& value, std::string_view absent) {
  return value ? value->to_string() : std::string(absent);
}

// "<current>/<target>" for an average or for the value itself.
std::string average_text(const MetricValueStatus* current, const MetricTarget& target) {
  return cat(current ? text_of(current->average_value, kUnknown) : std::string(kUnknown), '/',
             text_of(target.average_value, "0"));
}
std::string value_text(const MetricValueStatus* current, const MetricTarget& target) {
  return cat(current ? text_of(current->value, "0") : std::string(kUnknown), '/',
             text_of(target.value, "0"));
}
std::string either_text(const MetricValueStatus* current, const MetricTarget& target) {
  return target.average_value ? cat(average_text(current, target), " (avg)")
                              : value_text(current, target);
}

std::string resource_text(const std::string& name, const MetricValueStatus* current,
                          const MetricTarget& target) {
  if (target.average_value) return cat(name, ": ", average_text(current, target));
  std::string now(kUnknown);
  if (current && current->average_utilization) now = cat(*current->average_utilization, '%');
  const auto wanted =
      target.average_utilization ? cat(*target.average_utilization, '%') : std::string("<auto>");
  return cat(name, ": ", now, '/', wanted);
}

std::string metric_text(const MetricSpec& spec, const MetricStatus* status) {
  const auto current = [](const auto* part) -> const MetricValueStatus* {
    return part && *part ? &(*part)->current : nullptr;
  };
  if (spec.type == "External" && spec.external)
    return either_text(current(status ? &status->external : nullptr), spec.external->target);
  if (spec.type == "Pods" && spec.pods)
    return average_text(current(status ? &status->pods : nullptr), spec.pods->target);
  if (spec.type == "Object" && spec.object)
    return either_text(current(status ? &status->object : nullptr), spec.object->target);
  if (spec.type == "Resource" && spec.resource)
    return resource_text(spec.resource->name, current(status ? &status->resource : nullptr),
                         spec.resource->target);
  if (spec.type == "ContainerResource" && spec.container_resource)
    return resource_text(spec.container_resource->name,
                         current(status ? &status->container_resource : nullptr),
                         spec.container_resource->target);
  return "<unknown type>";
}

std::string metrics_text(const autoscalingv2::HorizontalPodAutoscaler& autoscaler) {
  constexpr std::size_t kShown = 2;
  const auto& specs = autoscaler.spec.metrics;
  const auto& statuses = autoscaler.status.current_metrics;
  if (specs.empty()) return std::string(kNone);
  std::vector<std::string> list;
  for (std::size_t i = 0; i < specs.size() && i < kShown; ++i)
    list.push_back(metric_text(specs[i], i < statuses.size() ? &statuses[i] : nullptr));
  const auto text = join(list, ", ");
  return specs.size() > kShown ? cat(text, " + ", specs.size() - kShown, " more...") : text;
}

}  // namespace

void autoscaler_v1_row(const autoscalingv1::HorizontalPodAutoscaler& autoscaler, Row& row) {
  const auto converted =
      convert(api::Object::of(autoscaler), autoscalingv2::HorizontalPodAutoscaler::desc());
  autoscaler_v2_row(*converted.as<autoscalingv2::HorizontalPodAutoscaler>(), row);
}

void scale_row(const autoscalingv1::Scale& scale, Row& row) {
  row.text(scale.metadata.name)
      .number(scale.spec.replicas)
      .number(scale.status.replicas)
      .age(scale.metadata);
}

void autoscaler_v2_row(const autoscalingv2::HorizontalPodAutoscaler& autoscaler, Row& row) {
  const auto& spec = autoscaler.spec;
  row.text(autoscaler.metadata.name)
      .text(cat(spec.scale_target_ref.kind, '/', spec.scale_target_ref.name))
      .text(metrics_text(autoscaler))
      .text(spec.min_replicas ? cat(*spec.min_replicas) : std::string(kUnset))
      .number(spec.max_replicas)
      .number(autoscaler.status.current_replicas)
      .age(autoscaler.metadata);
}

}  // namespace kpp::apiserver
