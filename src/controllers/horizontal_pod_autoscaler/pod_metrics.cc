#include "controllers/horizontal_pod_autoscaler/pod_metrics.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "api/json_codec.h"
#include "api/quantity.h"
#include "api/time_text.h"
#include "codec/json.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr double kTolerance = 0.1;
constexpr Duration kCpuInitialization = std::chrono::minutes(5);
constexpr Duration kInitialReadiness = std::chrono::seconds(30);
constexpr Duration kMetricWindow = std::chrono::seconds(60);

std::int64_t milli_of(const api::Quantity& quantity) {
  return static_cast<std::int64_t>(std::ceil(api::Amount::from(quantity).to_double() * 1000.0));
}

std::string text_of(const json::Value* value) {
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

// Sorted out by what their metrics are worth.
struct Groups {
  std::int64_t ready = 0;
  std::set<std::string> unready, missing, ignored;
};

bool is_unready(const corev1::Pod& pod, const PodMetric& metric, bool cpu, WallTime now) {
  if (pod.status.phase == "Pending") return true;
  if (!cpu) return false;  // only its CPU is used up by its start
  const auto* ready = pod_condition(pod, "Ready");
  if (ready == nullptr || !pod.status.start_time) return true;
  const WallTime started = pod.status.start_time->wall();
  const WallTime changed = ready->last_transition_time.wall();
  if (started + kCpuInitialization > now)
    return ready->status == "False" || metric.at < changed + kMetricWindow;
  return ready->status == "False" && started + kInitialReadiness > changed;
}

Groups group(const std::vector<std::shared_ptr<const corev1::Pod>>& pods, const PodMetrics& metrics,
             bool cpu, WallTime now) {
  Groups out;
  for (const auto& pod : pods) {
    const std::string& name = pod->metadata.name;
    const auto metric = metrics.find(name);
    if (pod->metadata.deletion_timestamp || pod->status.phase == "Failed") {
      out.ignored.insert(name);
    } else if (pod->status.phase == "Pending") {
      out.unready.insert(name);
    } else if (metric == metrics.end()) {
      out.missing.insert(name);
    } else if (is_unready(*pod, metric->second, cpu, now)) {
      out.unready.insert(name);
    } else {
      ++out.ready;
    }
  }
  return out;
}

using Requests = std::map<std::string, std::int64_t>;

Result<Requests> requests_of(const std::vector<std::shared_ptr<const corev1::Pod>>& pods,
                             const MetricQuestion& question) {
  Requests out;
  for (const auto& pod : pods) {
    std::int64_t sum = 0;
    bool found = question.container.empty();
    for (const auto& container : pod->spec.containers) {
      if (!question.container.empty() && container.name != question.container) continue;
      found = true;
      const auto request = container.resources.requests.find(question.resource);
      if (request == container.resources.requests.end()) {
        return fail(Reason::kInvalid,
                    cat("missing request for ", question.resource, " in container ", container.name,
                        " of Pod ", pod->metadata.name));
      }
      sum += milli_of(request->second);
    }
    if (!found) {
      return fail(Reason::kInvalid,
                  cat("container ", question.container, " not present in metrics for pod ",
                      pod->metadata.namespace_, "/", pod->metadata.name));
    }
    out[pod->metadata.name] = sum;
  }
  return out;
}

struct Ratio {
  double value = 1.0;
  std::int32_t utilization = 0;
  std::int64_t average = 0;
};

Result<Ratio> ratio_of(const PodMetrics& metrics, const Requests& requests,
                       const MetricQuestion& question) {
  std::int64_t used = 0;
  std::int64_t asked = 0;
  for (const auto& [name, metric] : metrics) {
    used += metric.milli;
    if (const auto request = requests.find(name); request != requests.end())
      asked += request->second;
  }
  Ratio out;
  out.average = used / static_cast<std::int64_t>(metrics.size());
  if (question.target_utilization > 0) {
    if (asked == 0) return fail(Reason::kInvalid, "no metrics returned matched known pods");
    out.utilization = static_cast<std::int32_t>(used * 100 / asked);
    out.value = static_cast<double>(out.utilization) / question.target_utilization;
  } else {
    out.value =
        static_cast<double>(out.average) / static_cast<double>(question.target_average_milli);
  }
  return out;
}

bool within_tolerance(double ratio) { return std::fabs(1.0 - ratio) <= kTolerance; }

}  // namespace

Result<PodMetrics> read_pod_metrics(std::string_view body, const std::string& resource,
                                    const std::string& container) {
  KPP_ASSIGN(const json::Value document, json::parse(body));
  const json::Value* items = json::find(document, "items");
  if (items == nullptr || !items->is_array())
    return fail(Reason::kCorrupt, "the list of metrics has no items");
  PodMetrics out;
  for (const auto& item : items->as_array()) {
    const std::string name = text_of(json::find(item, "metadata.name"));
    const json::Value* containers = json::find(item, "containers");
    if (name.empty() || containers == nullptr || !containers->is_array()) continue;
    PodMetric metric;
    api::Time at;
    const std::string stamp = text_of(json::find(item, "timestamp"));
    if (const auto time = api::parse_time(stamp)) at = *time;
    metric.at = at.wall();
    bool whole = !containers->as_array().empty();
    bool found = false;
    for (const auto& one : containers->as_array()) {
      if (!container.empty() && text_of(json::find(one, "name")) != container) continue;
      const auto amount = api::Amount::parse(text_of(json::find(one, "usage." + resource)));
      if (!amount) {
        whole = false;
        break;
      }
      found = true;
      metric.milli += static_cast<std::int64_t>(std::ceil(amount->to_double() * 1000.0));
    }
    if (whole && found) out[name] = metric;
  }
  return out;
}

Result<MetricVerdict> replicas_for(const MetricQuestion& question,
                                   const std::vector<std::shared_ptr<const corev1::Pod>>& pods,
                                   PodMetrics metrics, WallTime now) {
  if (pods.empty()) {
    return fail(Reason::kInvalid, "no pods returned by selector while calculating replica count");
  }
  const Groups groups = group(pods, metrics, question.resource == "cpu", now);
  for (const auto* names : {&groups.ignored, &groups.unready}) {
    for (const auto& name : *names) metrics.erase(name);
  }
  Requests requests;
  if (question.target_utilization > 0) {
    KPP_ASSIGN(requests, requests_of(pods, question));
  }
  if (metrics.empty())
    return fail(Reason::kInvalid,
                "did not receive metrics for targeted pods (pods might be unready)");
  KPP_ASSIGN(const Ratio ratio, ratio_of(metrics, requests, question));
  MetricVerdict out{question.current, ratio.utilization, ratio.average};
  const bool counts_unready = !groups.unready.empty() && ratio.value > 1.0;
  if (!counts_unready && groups.missing.empty()) {
    if (!within_tolerance(ratio.value))
      out.replicas =
          static_cast<std::int32_t>(std::ceil(ratio.value * static_cast<double>(groups.ready)));
    return out;
  }
  for (const auto& name : groups.missing) {
    PodMetric guess;
    if (ratio.value < 1.0) {
      guess.milli = question.target_utilization > 0
                        ? requests[name] * std::max(100, question.target_utilization) / 100
                        : question.target_average_milli;
    }
    metrics[name] = guess;
  }
  if (counts_unready) {
    for (const auto& name : groups.unready) metrics[name] = {};
  }
  KPP_ASSIGN(const Ratio careful, ratio_of(metrics, requests, question));
  const bool turned =
      (ratio.value < 1.0 && careful.value > 1.0) || (ratio.value > 1.0 && careful.value < 1.0);
  if (within_tolerance(careful.value) || turned) return out;
  const auto wanted =
      static_cast<std::int32_t>(std::ceil(careful.value * static_cast<double>(metrics.size())));
  const bool wrong_way = (careful.value < 1.0 && wanted > question.current) ||
                         (careful.value > 1.0 && wanted < question.current);
  if (!wrong_way) out.replicas = wanted;
  return out;
}

}  // namespace kpp::controllers
