// The group autoscaling, both versions.
#include <algorithm>

#include "api/autoscalingv1.h"
#include "api/autoscalingv2.h"
#include "api/defaults/rules.h"

namespace kpp::api::defaults {
namespace {

autoscalingv2::HPAScalingPolicy policy(std::string_view type, std::int32_t value) {
  autoscalingv2::HPAScalingPolicy out;
  out.type = type;
  out.value = value;
  out.period_seconds = 15;
  return out;
}

void scaler_v1(autoscalingv1::HorizontalPodAutoscaler& object) {
  set(object.spec.min_replicas, 1);
  if (!object.metadata.annotations.contains("autoscaling.alpha.kubernetes.io/metrics")) {
    set(object.spec.target_cpu_utilization_percentage, 80);
  }
}

// Policies that were sent as [] are none at all, and for validation to refuse.
bool absent(const std::vector<autoscalingv2::HPAScalingPolicy>& policies, std::string_view path,
            SentEmpty sent_empty) {
  return policies.empty() && std::ranges::find(sent_empty, path) == sent_empty.end();
}

void scaler_v2(autoscalingv2::HorizontalPodAutoscaler& object, SentEmpty sent_empty) {
  auto& spec = object.spec;
  set(spec.min_replicas, 1);
  if (spec.metrics.empty()) {
    auto& metric = spec.metrics.emplace_back();
    metric.type = "Resource";
    auto& resource = metric.resource.emplace();
    resource.name = "cpu";
    resource.target.type = "Utilization";
    resource.target.average_utilization = 80;
  }
  if (!spec.behavior) return;
  auto& up = spec.behavior->scale_up.ensure();
  set(up.stabilization_window_seconds, 0);
  set(up.select_policy, "Max");
  if (absent(up.policies, "spec.behavior.scaleUp.policies", sent_empty)) {
    up.policies = {policy("Pods", 4), policy("Percent", 100)};
  }
  auto& down = spec.behavior->scale_down.ensure();
  set(down.select_policy, "Max");
  if (absent(down.policies, "spec.behavior.scaleDown.policies", sent_empty)) {
    down.policies = {policy("Percent", 100)};
  }
}

constexpr Rule kRules[] = {
    rule<autoscalingv1::HorizontalPodAutoscaler, scaler_v1>(),
    rule<autoscalingv2::HorizontalPodAutoscaler, scaler_v2>(),
};

}  // namespace

std::span<const Rule> autoscaling_rules() { return kRules; }

}  // namespace kpp::api::defaults
