// How many pods a metric asks for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "base/clock.h"
#include "base/status.h"

namespace kpp::controllers {

// What one pod uses of a resource, in thousandths.
struct PodMetric {
  std::int64_t milli = 0;
  WallTime at;
};
using PodMetrics = std::map<std::string, PodMetric>;  // by name of the pod

// Reads a list of metrics.k8s.io/v1beta1: of the whole pod, or of one container. A pod of which a
// container is missing is left out. kCorrupt if it is no such list.
Result<PodMetrics> read_pod_metrics(std::string_view body, const std::string& resource,
                                    const std::string& container);

struct MetricVerdict {
  std::int32_t replicas = 0;
  std::int32_t utilization = 0;    // percent of what was asked for; 0: the target is an amount
  std::int64_t average_milli = 0;  // of the pods that count
};

struct MetricQuestion {
  std::string resource, container;      // container: one of that name, or all
  std::int32_t current = 0;             // replicas
  std::int32_t target_utilization = 0;  // percent; 0: target_average_milli
  std::int64_t target_average_milli = 0;
};

// Pods that are not ready yet, or of which nothing is known, count in the way that changes least.
// Errors in the original's words.
Result<MetricVerdict> replicas_for(const MetricQuestion& question,
                                   const std::vector<std::shared_ptr<const corev1::Pod>>& pods,
                                   PodMetrics metrics, WallTime now);

}  // namespace kpp::controllers
