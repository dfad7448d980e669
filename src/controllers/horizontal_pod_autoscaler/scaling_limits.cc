#include "controllers/horizontal_pod_autoscaler/scaling_limits.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kpp::controllers {
namespace {

using Rules = autoscalingv2::HPAScalingRules;

constexpr std::int32_t kDownWindow = 300;
constexpr std::int32_t kPeriod = 15;
constexpr std::int32_t kPodsAtOnce = 4;
constexpr std::int32_t kDouble = 100;  // percent

Rules with_defaults(const Rules* given, bool up) {
  Rules out;
  if (given != nullptr) out = *given;
  if (!out.stabilization_window_seconds) out.stabilization_window_seconds = up ? 0 : kDownWindow;
  if (!out.select_policy) out.select_policy = "Max";
  if (!out.policies.empty()) return out;
  const auto add = [&out](const char* type, std::int32_t value) {
    auto& policy = out.policies.emplace_back();
    policy.type = type;
    policy.value = value;
    policy.period_seconds = kPeriod;
  };
  if (up) add("Pods", kPodsAtOnce);
  add("Percent", kDouble);
  return out;
}

std::int32_t changed_within(const std::vector<ScalingHistory::Entry>& events, std::int32_t seconds,
                            WallTime now) {
  std::int32_t sum = 0;
  for (const auto& event : events) {
    if (event.at > now - std::chrono::seconds(seconds)) sum += event.replicas;
  }
  return sum;
}

// The furthest that the policies allow from `current`.
std::int32_t furthest(const Rules& rules, std::int32_t current, const ScalingHistory& history,
                      bool up, WallTime now) {
  if (*rules.select_policy == "Disabled") return current;
  const bool least = *rules.select_policy == "Min";
  const bool take_max = up != least;
  std::int32_t out = take_max ? std::numeric_limits<std::int32_t>::min()
                              : std::numeric_limits<std::int32_t>::max();
  for (const auto& policy : rules.policies) {
    const std::int32_t start = current - changed_within(history.added, policy.period_seconds, now) +
                               changed_within(history.removed, policy.period_seconds, now);
    std::int32_t proposed = 0;
    if (policy.type == "Pods") {
      proposed = up ? start + policy.value : start - policy.value;
    } else if (up) {
      proposed = static_cast<std::int32_t>(std::ceil(start * (1.0 + policy.value / 100.0)));
    } else {
      proposed = static_cast<std::int32_t>(start * (1.0 - policy.value / 100.0));
    }
    out = take_max ? std::max(out, proposed) : std::min(out, proposed);
  }
  return out;
}

}  // namespace

void ScalingHistory::forget_before(WallTime oldest) {
  for (auto* list : {&recommendations, &added, &removed})
    std::erase_if(*list, [&](const Entry& entry) { return entry.at < oldest; });
}

Limited limit_scaling(const autoscalingv2::HorizontalPodAutoscalerSpec& spec, std::int32_t current,
                      std::int32_t recommended, ScalingHistory& history, WallTime now) {
  const auto* behavior = spec.behavior ? spec.behavior.get() : nullptr;
  const Rules up =
      with_defaults(behavior && behavior->scale_up ? behavior->scale_up.get() : nullptr, true);
  const Rules down =
      with_defaults(behavior && behavior->scale_down ? behavior->scale_down.get() : nullptr, false);
  Limited out;
  // The lowest of the recent ones when going up, the highest when going down.
  std::int32_t lowest = recommended;
  std::int32_t highest = recommended;
  for (const auto& entry : history.recommendations) {
    if (entry.at > now - std::chrono::seconds(*up.stabilization_window_seconds))
      lowest = std::min(lowest, entry.replicas);
    if (entry.at > now - std::chrono::seconds(*down.stabilization_window_seconds))
      highest = std::max(highest, entry.replicas);
  }
  history.recommendations.push_back({now, recommended});
  std::int32_t steady = current;
  if (steady < lowest) steady = lowest;
  if (steady > highest) steady = highest;
  out.stabilized_up = steady < recommended && recommended > current;
  out.stabilized_down = steady > recommended && recommended < current;

  const std::int32_t least = spec.min_replicas.value_or(1);
  out.replicas = steady;
  out.reason = "DesiredWithinRange";
  out.message = "the desired count is within the acceptable range";
  const auto limit = [&out](std::int32_t to, const char* reason, const char* message) {
    out.replicas = to;
    out.limited = true;
    out.reason = reason;
    out.message = message;
  };
  if (steady > current) {
    const std::int32_t most = std::max(current, furthest(up, current, history, true, now));
    if (spec.max_replicas > most) {
      if (steady > most)
        limit(most, "ScaleUpLimit",
              "the desired replica count is increasing faster than the maximum scale rate");
    } else if (steady > spec.max_replicas) {
      limit(spec.max_replicas, "TooManyReplicas",
            "the desired replica count is more than the maximum replica count");
    }
  } else if (steady < current) {
    const std::int32_t fewest = std::min(current, furthest(down, current, history, false, now));
    if (least < fewest) {
      if (steady < fewest)
        limit(fewest, "ScaleDownLimit",
              "the desired replica count is decreasing faster than the maximum scale rate");
    } else if (steady < least) {
      limit(least, "TooFewReplicas",
            "the desired replica count is less than the minimum replica count");
    }
  } else if (steady > spec.max_replicas) {
    limit(spec.max_replicas, "TooManyReplicas",
          "the desired replica count is more than the maximum replica count");
  } else if (steady < least) {
    limit(least, "TooFewReplicas",
          "the desired replica count is less than the minimum replica count");
  }
  return out;
}

}  // namespace kpp::controllers
