#include "controllers/horizontal_pod_autoscaler/hpa_controller.h"

#include <algorithm>

#include "api/autoscalingv1.h"
#include "api/json_codec.h"
#include "api/quantity.h"
#include "api/selectors.h"
#include "codec/json.h"
#include "controllers/horizontal_pod_autoscaler/pod_metrics.h"

namespace kpp::controllers {
namespace {

constexpr Duration kEvery = std::chrono::seconds(15);
constexpr Duration kRemember = std::chrono::hours(1);

// The kind that a target names; nullptr: the API does not know it.
const api::TypeDesc* type_of(const autoscalingv2::CrossVersionObjectReference& target) {
  const auto slash = target.api_version.find('/');
  const std::string group =
      slash == std::string::npos ? std::string() : target.api_version.substr(0, slash);
  for (const auto* type : api::all_types()) {
    if (!type->resource || type->gvks.empty()) continue;
    const auto& gvk = type->gvks.front();
    if (gvk.kind == target.kind && gvk.group == group) return type;
  }
  return nullptr;
}

net::Request request_for(std::string method, std::string path) {
  net::Request out;
  out.method = std::move(method);
  out.path = std::move(path);
  out.headers.add("Accept", "application/json");
  return out;
}

std::string failure_reason(const std::string& metric_type) {
  return cat("FailedGet", metric_type, "Metric");
}

// What a metric that nobody here serves is answered with.
std::string not_served(const autoscalingv2::MetricSpec& metric, const std::string& namespace_) {
  const std::string custom =
      "unable to fetch metrics from custom metrics API: no known available metric versions found";
  if (metric.pods) return cat("unable to get metric ", metric.pods->metric.name, ": ", custom);
  if (metric.object) {
    return cat("unable to get metric ", metric.object->metric.name, ": ",
               metric.object->described_object.kind, " on ", namespace_, " ",
               metric.object->described_object.name, "/", custom);
  }
  if (metric.external) {
    const auto selector = api::LabelSelector::from(metric.external->metric.selector);
    return cat("unable to get external metric ", namespace_, "/", metric.external->metric.name, "/",
               selector && metric.external->metric.selector ? selector->to_string() : "nil",
               ": unable to fetch metrics from external metrics API: the server could not find the "
               "requested resource (get ",
               metric.external->metric.name, ".external.metrics.k8s.io)");
  }
  return cat("unknown metric source type ", quoted(metric.type));
}

}  // namespace

struct HorizontalPodAutoscalerController::ScaleView {
  std::string path;
  autoscalingv1::Scale scale;
  api::LabelSelector selector;
};

struct HorizontalPodAutoscalerController::Proposal {
  std::int32_t replicas = 0;
  std::string metric;
  std::vector<autoscalingv2::MetricStatus> statuses;
};

HorizontalPodAutoscalerController::HorizontalPodAutoscalerController(ControllerContext context)
    : Controller(context, "horizontal-pod-autoscaler-controller", "horizontal-pod-autoscaler"),
      autoscalers_(watch<Autoscaler>([this](const auto& before, const auto& after) {
        if (!after) history_.erase(api::key_of(*before));
        if (!after || (before && before->metadata.generation == after->metadata.generation)) return;
        queue().add(api::key_of(*after));
      })),
      pods_(read<corev1::Pod>()) {}

void HorizontalPodAutoscalerController::event(const Autoscaler& hpa, const char* type,
                                              const std::string& reason, std::string message) {
  events().event(client::reference_to(Autoscaler::desc(), hpa.metadata), type, reason,
                 std::move(message));
}

void HorizontalPodAutoscalerController::set_condition(Autoscaler& hpa, const char* type, bool holds,
                                                      const char* reason, std::string message) {
  auto& all = hpa.status.conditions;
  auto it = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.type == type; });
  if (it == all.end()) {
    all.emplace_back().type = type;
    it = std::prev(all.end());
  }
  const char* status = holds ? "True" : "False";
  if (it->status != status) {
    it->status = status;
    it->last_transition_time = api::Time::from(now());
  }
  it->reason = reason;
  it->message = std::move(message);
}

async::Task<Status> HorizontalPodAutoscalerController::reconcile(api::ObjectKey key,
                                                                 async::StopToken stop) {
  const auto found = autoscalers_.get(key);
  if (!found) co_return Status();
  queue().add_after(key, kEvery);
  history_[key].forget_before(now() - kRemember);
  Autoscaler hpa = *found;
  auto scale = co_await get_scale(hpa, stop);
  if (stop.stop_requested()) co_return Status();
  if (!scale) {
    const std::string why = scale.error().message();
    event(hpa, "Warning", "FailedGetScale", why);
    set_condition(hpa, "AbleToScale", false, "FailedGetScale",
                  cat("the HPA controller was unable to get the target's current scale: ", why));
    co_return co_await write(hpa, *found, stop);
  }
  set_condition(hpa, "AbleToScale", true, "SucceededGetScale",
                "the HPA controller was able to get the target's current scale");
  const Status decided = co_await decide(&hpa, std::move(*scale), stop);
  if (stop.stop_requested()) co_return Status();
  const Status written = co_await write(hpa, *found, stop);
  // What failed is told already, and looked at again in its turn.
  if (!decided.ok()) log().debug(2, "Not scaled", {kv("hpa", key), kv("err", decided)});
  co_return written;
}

async::Task<Result<HorizontalPodAutoscalerController::ScaleView>>
HorizontalPodAutoscalerController::get_scale(Autoscaler hpa, async::StopToken stop) {
  const auto& target = hpa.spec.scale_target_ref;
  const auto* type = type_of(target);
  if (type == nullptr) {
    co_return fail(Reason::kNotFound, cat("no matches for kind ", quoted(target.kind), " in group ",
                                          quoted(target.api_version)));
  }
  ScaleView out;
  out.path = api::resource_path(*type, hpa.metadata.namespace_, target.name, "scale");
  auto response = co_await client().raw(request_for("GET", out.path), false, stop);
  if (!response) co_return std::unexpected(std::move(response).error());
  KPP_CO_ASSIGN(out.scale, api::parse_json<autoscalingv1::Scale>(response->body_text()));
  co_return out;
}

async::Task<Status> HorizontalPodAutoscalerController::set_scale(ScaleView scale,
                                                                 std::int32_t replicas,
                                                                 async::StopToken stop) {
  scale.scale.spec.replicas = replicas;
  net::Request request = request_for("PUT", scale.path);
  request.headers.add("Content-Type", "application/json");
  request.body = api::to_json(scale.scale);
  auto response = co_await client().raw(std::move(request), false, stop);
  if (!response) co_return std::move(response).error();
  co_return Status();
}

async::Task<Status> HorizontalPodAutoscalerController::decide(Autoscaler* hpa, ScaleView scale,
                                                              async::StopToken stop) {
  const std::int32_t current = scale.scale.spec.replicas;
  const std::int32_t least = hpa->spec.min_replicas.value_or(1);
  const std::int32_t most = hpa->spec.max_replicas;
  hpa->status.current_replicas = current;
  std::int32_t desired = current;
  std::string why;
  if (current == 0 && least != 0) {
    set_condition(*hpa, "ScalingActive", false, "ScalingDisabled",
                  "scaling is disabled since the replica count of the target is zero");
  } else if (current > most) {
    desired = most;
    why = "Current number of replicas above Spec.MaxReplicas";
  } else if (current < least) {
    desired = least;
    why = "Current number of replicas below Spec.MinReplicas";
  } else {
    auto proposal = co_await by_metrics(hpa, scale, stop);
    if (!proposal) {
      if (!stop.stop_requested())
        event(*hpa, "Warning", "FailedComputeMetricsReplicas", proposal.error().message());
      co_return std::move(proposal).error();
    }
    hpa->status.current_metrics = std::move(proposal->statuses);
    const Limited limited =
        limit_scaling(hpa->spec, current, proposal->replicas, history_[api::key_of(*hpa)], now());
    desired = limited.replicas;
    why = desired > current ? cat(proposal->metric, " above target") : "All metrics below target";
    if (limited.stabilized_down) {
      set_condition(*hpa, "AbleToScale", true, "ScaleDownStabilized",
                    "recent recommendations were higher than current one, applying the highest "
                    "recent recommendation");
    } else if (limited.stabilized_up) {
      set_condition(*hpa, "AbleToScale", true, "ScaleUpStabilized",
                    "recent recommendations were lower than current one, applying the lowest "
                    "recent recommendation");
    } else {
      set_condition(*hpa, "AbleToScale", true, "ReadyForNewScale",
                    "recommended size matches current size");
    }
    set_condition(*hpa, "ScalingLimited", limited.limited, limited.reason.c_str(), limited.message);
  }
  hpa->status.desired_replicas = desired;
  if (desired == current) co_return Status();
  const Status scaled = co_await set_scale(std::move(scale), desired, stop);
  if (!scaled.ok()) {
    hpa->status.desired_replicas = current;
    event(*hpa, "Warning", "FailedRescale",
          cat("New size: ", desired, "; reason: ", why, "; error: ", scaled.message()));
    set_condition(
        *hpa, "AbleToScale", false, "FailedUpdateScale",
        cat("the HPA controller was unable to update the target scale: ", scaled.message()));
    co_return scaled;
  }
  set_condition(*hpa, "AbleToScale", true, "SucceededRescale",
                cat("the HPA controller was able to update the target scale to ", desired));
  event(*hpa, "Normal", "SuccessfulRescale", cat("New size: ", desired, "; reason: ", why));
  hpa->status.last_scale_time = api::Time::from(now());
  ScalingHistory& changes = history_[api::key_of(*hpa)];
  if (desired > current) {
    changes.added.push_back({now(), desired - current});
  } else {
    changes.removed.push_back({now(), current - desired});
  }
  co_return Status();
}

async::Task<Result<HorizontalPodAutoscalerController::Proposal>>
HorizontalPodAutoscalerController::by_metrics(Autoscaler* hpa, ScaleView scale,
                                              async::StopToken stop) {
  if (scale.scale.status.selector.empty()) {
    event(*hpa, "Warning", "SelectorRequired", "selector is required");
    set_condition(*hpa, "ScalingActive", false, "InvalidSelector",
                  "the HPA target's scale is missing a selector");
    co_return fail(Reason::kInvalid, "selector is required");
  }
  auto selector = api::LabelSelector::parse(scale.scale.status.selector);
  if (!selector) {
    const std::string text =
        cat("couldn't convert selector into a corresponding internal selector object: ",
            selector.error().message());
    event(*hpa, "Warning", "InvalidSelector", text);
    set_condition(*hpa, "ScalingActive", false, "InvalidSelector", text);
    co_return fail(Reason::kInvalid, text);
  }
  scale.selector = std::move(*selector);
  Proposal out;
  std::size_t failed = 0;
  std::string first_error;
  std::string first_condition;
  std::string first_reason;
  for (const auto& metric : hpa->spec.metrics) {
    auto one = co_await by_metric(*hpa, metric, scale, stop);
    if (stop.stop_requested()) co_return fail(Reason::kCanceled, "stopped");
    if (!one) {
      const std::string reason = failure_reason(metric.type);
      const std::string& why = one.error().message();
      event(*hpa, "Warning", reason, why);
      if (failed++ == 0) {
        first_error = metric.resource ? cat("failed to get ", metric.resource->name,
                                            " resource metric value: ", why)
                                      : cat("failed to get ", metric.type, " metric value: ", why);
        first_condition = cat("the HPA was unable to compute the replica count: ", why);
        first_reason = reason;
      }
      continue;
    }
    if (out.metric.empty() || one->replicas > out.replicas) {
      out.replicas = one->replicas;
      out.metric = one->metric;
    }
    out.statuses.insert(out.statuses.end(), one->statuses.begin(), one->statuses.end());
  }
  const bool none = failed >= hpa->spec.metrics.size();
  if (none || (failed > 0 && out.replicas < scale.scale.spec.replicas)) {
    set_condition(*hpa, "ScalingActive", false, first_reason.c_str(), first_condition);
    co_return fail(Reason::kInvalid,
                   cat("invalid metrics (", failed, " invalid out of ", hpa->spec.metrics.size(),
                       "), first error is: ", first_error));
  }
  set_condition(
      *hpa, "ScalingActive", true, "ValidMetricFound",
      cat("the HPA was able to successfully calculate a replica count from ", out.metric));
  co_return out;
}

async::Task<Result<HorizontalPodAutoscalerController::Proposal>>
HorizontalPodAutoscalerController::by_metric(Autoscaler hpa, autoscalingv2::MetricSpec metric,
                                             ScaleView scale, async::StopToken stop) {
  const std::string namespace_ = hpa.metadata.namespace_;
  if (!metric.resource && !metric.container_resource)
    co_return fail(Reason::kInvalid, not_served(metric, namespace_));
  MetricQuestion question;
  question.resource = metric.resource ? metric.resource->name : metric.container_resource->name;
  if (metric.container_resource) question.container = metric.container_resource->container;
  question.current = scale.scale.spec.replicas;
  const auto& target =
      metric.resource ? metric.resource->target : metric.container_resource->target;
  question.target_utilization = target.average_utilization.value_or(0);
  const bool by_share = question.target_utilization > 0;
  if (!by_share && !target.average_value) {
    co_return fail(Reason::kInvalid,
                   "invalid resource metric source: neither an average utilization target nor an "
                   "average value (usage) target was set");
  }
  if (!by_share) {
    question.target_average_milli =
        static_cast<std::int64_t>(api::Amount::from(*target.average_value).to_double() * 1000.0);
    question.target_average_milli = std::max<std::int64_t>(1, question.target_average_milli);
  }
  const std::string head =
      cat("failed to get ", question.resource, by_share ? " utilization: " : " usage: ");
  net::Request request =
      request_for("GET", cat("/apis/metrics.k8s.io/v1beta1/namespaces/", namespace_, "/pods"));
  request.query = cat("labelSelector=", net::percent_encode(scale.scale.status.selector));
  auto response = co_await client().raw(std::move(request), false, stop);
  if (!response) {
    const std::string why = response.error().is(Reason::kNotFound)
                                ? "the server could not find the requested resource (get "
                                  "pods.metrics.k8s.io)"
                                : response.error().message();
    co_return fail(Reason::kInvalid,
                   cat(head, "unable to get metrics for resource ", question.resource,
                       ": unable to fetch metrics from resource metrics API: ", why));
  }
  auto metrics = read_pod_metrics(response->body_text(), question.resource, question.container);
  if (!metrics || metrics->empty()) {
    co_return fail(Reason::kInvalid,
                   cat(head, "unable to get metrics for resource ", question.resource,
                       metrics ? ": no metrics returned from resource metrics API"
                               : cat(": ", metrics.error().message())));
  }
  std::vector<std::shared_ptr<const corev1::Pod>> pods;
  for (auto& pod : pods_.in_namespace(namespace_)) {
    if (scale.selector.matches(pod->metadata.labels)) pods.push_back(std::move(pod));
  }
  const auto verdict = replicas_for(question, pods, std::move(*metrics), now());
  if (!verdict) co_return fail(Reason::kInvalid, cat(head, verdict.error().message()));
  Proposal out;
  out.replicas = verdict->replicas;
  out.metric = cat(question.resource, metric.resource ? " resource" : " container resource",
                   by_share ? " utilization (percentage of request)" : "");
  auto& status = out.statuses.emplace_back();
  status.type = metric.type;
  auto& values = metric.resource ? status.resource.ensure().current
                                 : status.container_resource.ensure().current;
  if (metric.resource) {
    status.resource->name = question.resource;
  } else {
    status.container_resource->name = question.resource;
    status.container_resource->container = question.container;
  }
  values.average_value = api::Amount::of_milli(verdict->average_milli).quantity();
  if (by_share) values.average_utilization = verdict->utilization;
  co_return out;
}

async::Task<Status> HorizontalPodAutoscalerController::write(Autoscaler hpa, Autoscaler before,
                                                             async::StopToken stop) {
  if (api::equal(hpa.status, before.status)) co_return Status();
  auto written = co_await client().update_status<Autoscaler>(std::move(hpa), stop);
  if (written || written.error().is(Reason::kNotFound) || written.error().is(Reason::kConflict))
    co_return Status();
  co_return std::move(written).error();
}

}  // namespace kpp::controllers
