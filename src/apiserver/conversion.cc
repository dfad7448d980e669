#include "apiserver/conversion.h"

#include <algorithm>

#include "api/autoscalingv1.h"
#include "api/autoscalingv2.h"
#include "api/corev1.h"
#include "api/eventsv1.h"
#include "api/json_codec.h"
#include "base/check.h"

namespace kpp::apiserver {
namespace {

namespace v1 = autoscalingv1;
namespace v2 = autoscalingv2;

// What v1 has no fields for travels in annotations, as the original keeps it.
constexpr const char* kMetrics = "autoscaling.alpha.kubernetes.io/metrics";
constexpr const char* kBehavior = "autoscaling.alpha.kubernetes.io/behavior";
constexpr const char* kCurrentMetrics = "autoscaling.alpha.kubernetes.io/current-metrics";
constexpr const char* kConditions = "autoscaling.alpha.kubernetes.io/conditions";

template <class T>
std::string list_json(const std::vector<T>& items) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ',';
    out += api::to_json(item);
  }
  return out + "]";
}

template <class T>
void take_list(std::map<std::string, std::string>& annotations, const char* name,
               std::vector<T>& out) {
  const auto it = annotations.find(name);
  if (it == annotations.end()) return;
  if (const auto document = json::parse(it->second); document && document->is_array()) {
    for (const auto& item : document->as_array()) {
      T value;
      if (api::from_json(item, T::desc(), &value).ok()) out.push_back(std::move(value));
    }
  }
  annotations.erase(it);
}

bool is_cpu_utilization(const v2::MetricSpec& metric) {
  return metric.type == "Resource" && metric.resource && metric.resource->name == "cpu" &&
         metric.resource->target.average_utilization.has_value();
}

v2::HorizontalPodAutoscaler to_v2(const v1::HorizontalPodAutoscaler& from) {
  v2::HorizontalPodAutoscaler to;
  to.metadata = from.metadata;
  to.spec.scale_target_ref.kind = from.spec.scale_target_ref.kind;
  to.spec.scale_target_ref.name = from.spec.scale_target_ref.name;
  to.spec.scale_target_ref.api_version = from.spec.scale_target_ref.api_version;
  to.spec.min_replicas = from.spec.min_replicas;
  to.spec.max_replicas = from.spec.max_replicas;
  take_list(to.metadata.annotations, kMetrics, to.spec.metrics);
  if (from.spec.target_cpu_utilization_percentage) {
    v2::MetricSpec cpu;
    cpu.type = "Resource";
    auto& resource = cpu.resource.emplace();
    resource.name = "cpu";
    resource.target.type = "Utilization";
    resource.target.average_utilization = *from.spec.target_cpu_utilization_percentage;
    to.spec.metrics.insert(to.spec.metrics.begin(), std::move(cpu));
  }
  if (const auto it = to.metadata.annotations.find(kBehavior);
      it != to.metadata.annotations.end()) {
    if (auto behavior = api::parse_json<v2::HorizontalPodAutoscalerBehavior>(it->second))
      to.spec.behavior = std::move(*behavior);
    to.metadata.annotations.erase(it);
  }
  to.status.observed_generation = from.status.observed_generation;
  if (from.status.last_scale_time) to.status.last_scale_time = *from.status.last_scale_time;
  to.status.current_replicas = from.status.current_replicas;
  to.status.desired_replicas = from.status.desired_replicas;
  take_list(to.metadata.annotations, kCurrentMetrics, to.status.current_metrics);
  take_list(to.metadata.annotations, kConditions, to.status.conditions);
  return to;
}

v1::HorizontalPodAutoscaler to_v1(const v2::HorizontalPodAutoscaler& from) {
  v1::HorizontalPodAutoscaler to;
  to.metadata = from.metadata;
  to.spec.scale_target_ref.kind = from.spec.scale_target_ref.kind;
  to.spec.scale_target_ref.name = from.spec.scale_target_ref.name;
  to.spec.scale_target_ref.api_version = from.spec.scale_target_ref.api_version;
  to.spec.min_replicas = from.spec.min_replicas;
  to.spec.max_replicas = from.spec.max_replicas;
  std::vector<v2::MetricSpec> others;
  for (const auto& metric : from.spec.metrics) {
    if (is_cpu_utilization(metric) && !to.spec.target_cpu_utilization_percentage) {
      to.spec.target_cpu_utilization_percentage = *metric.resource->target.average_utilization;
    } else {
      others.push_back(metric);
    }
  }
  if (!others.empty()) to.metadata.annotations[kMetrics] = list_json(others);
  if (from.spec.behavior) to.metadata.annotations[kBehavior] = api::to_json(*from.spec.behavior);
  to.status.observed_generation = from.status.observed_generation;
  if (from.status.last_scale_time) to.status.last_scale_time = *from.status.last_scale_time;
  to.status.current_replicas = from.status.current_replicas;
  to.status.desired_replicas = from.status.desired_replicas;
  if (!from.status.current_metrics.empty()) {
    to.metadata.annotations[kCurrentMetrics] = list_json(from.status.current_metrics);
  }
  if (!from.status.conditions.empty())
    to.metadata.annotations[kConditions] = list_json(from.status.conditions);
  return to;
}

corev1::Event to_core(const eventsv1::Event& from) {
  corev1::Event to;
  to.metadata = from.metadata;
  to.event_time = from.event_time;
  if (from.series) {
    auto& series = to.series.emplace();
    series.count = from.series->count;
    series.last_observed_time = from.series->last_observed_time;
  }
  to.reporting_component = from.reporting_controller;
  to.reporting_instance = from.reporting_instance;
  to.action = from.action;
  to.reason = from.reason;
  to.involved_object = from.regarding;
  to.related = from.related;
  to.message = from.note;
  to.type = from.type;
  to.source = from.deprecated_source;
  to.first_timestamp = from.deprecated_first_timestamp;
  to.last_timestamp = from.deprecated_last_timestamp;
  to.count = from.deprecated_count;
  return to;
}

eventsv1::Event to_events(const corev1::Event& from) {
  eventsv1::Event to;
  to.metadata = from.metadata;
  to.event_time = from.event_time;
  if (from.series) {
    auto& series = to.series.emplace();
    series.count = from.series->count;
    series.last_observed_time = from.series->last_observed_time;
  }
  to.reporting_controller = from.reporting_component;
  to.reporting_instance = from.reporting_instance;
  to.action = from.action;
  to.reason = from.reason;
  to.regarding = from.involved_object;
  to.related = from.related;
  to.note = from.message;
  to.type = from.type;
  to.deprecated_source = from.source;
  to.deprecated_first_timestamp = from.first_timestamp;
  to.deprecated_last_timestamp = from.last_timestamp;
  to.deprecated_count = from.count;
  return to;
}

}  // namespace

bool can_convert(const api::TypeDesc& from, const api::TypeDesc& to) {
  const std::pair<const api::TypeDesc*, const api::TypeDesc*> kPairs[] = {
      {&v1::HorizontalPodAutoscaler::desc(), &v2::HorizontalPodAutoscaler::desc()},
      {&corev1::Event::desc(), &eventsv1::Event::desc()}};
  if (&from == &to) return true;
  return std::ranges::any_of(kPairs, [&](const auto& pair) {
    return (&from == pair.first && &to == pair.second) ||
           (&from == pair.second && &to == pair.first);
  });
}

api::Object convert(const api::Object& from, const api::TypeDesc& to) {
  if (&from.desc() == &to) return from;
  if (const auto* hpa = from.as<v1::HorizontalPodAutoscaler>()) return api::Object::of(to_v2(*hpa));
  if (const auto* hpa = from.as<v2::HorizontalPodAutoscaler>()) return api::Object::of(to_v1(*hpa));
  if (const auto* event = from.as<corev1::Event>()) return api::Object::of(to_events(*event));
  if (const auto* event = from.as<eventsv1::Event>()) return api::Object::of(to_core(*event));
  KPP_CHECK(false, "no conversion from ", from.desc().name, " to ", to.package, ".", to.name);
}

}  // namespace kpp::apiserver
