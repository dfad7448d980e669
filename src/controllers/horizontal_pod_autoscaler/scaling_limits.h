// How fast the number of pods may follow what metrics ask for.
#pragma once

#include <string>
#include <vector>

#include "api/autoscalingv2.h"
#include "base/clock.h"

namespace kpp::controllers {

// What is remembered of one autoscaler.
struct ScalingHistory {
  struct Entry {
    WallTime at;
    std::int32_t replicas;  // recommended, or changed by
  };
  std::vector<Entry> recommendations, added, removed;

  void forget_before(WallTime oldest);
};

struct Limited {
  std::int32_t replicas = 0;
  bool stabilized_up = false, stabilized_down = false;  // recent recommendations decided
  bool limited = false;
  std::string reason, message;  // of the condition ScalingLimited
};

// The number of pods between the bounds that the autoscaler's behavior allows now; notes the
// recommendation.
Limited limit_scaling(const autoscalingv2::HorizontalPodAutoscalerSpec& spec, std::int32_t current,
                      std::int32_t recommended, ScalingHistory& history, WallTime now);

}  // namespace kpp::controllers
