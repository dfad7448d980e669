// PodWorker: giving running containers other amounts of CPU and memory.
#include <algorithm>

#include "api/json_codec.h"
#include "codec/json.h"
#include "kubelet/admission.h"
#include "kubelet/container/container_config.h"
#include "kubelet/pod_worker.h"

namespace kpp::kubelet {
namespace {

bool changed(const ResourceList& a, const ResourceList& b, const std::string& resource) {
  return resource == "cpu" ? milli_of(a, resource) != milli_of(b, resource)
                           : value_of(a, resource) != value_of(b, resource);
}

bool wants_restart(const corev1::Container& container, const corev1::ResourceRequirements& given) {
  return std::ranges::any_of(container.resize_policy, [&](const auto& policy) {
    return policy.restart_policy == "RestartContainer" &&
           (changed(container.resources.limits, given.limits, policy.resource_name) ||
            changed(container.resources.requests, given.requests, policy.resource_name));
  });
}

// What events of a resize say: who is to have what.
std::string described(const corev1::Pod& pod, std::string_view error = {}) {
  std::string out = "{\"containers\":[";
  for (const auto& c : pod.spec.containers) {
    if (!out.ends_with('[')) out += ',';
    out += "{\"name\":";
    json::write_string(out, c.name);
    out += cat(",\"resources\":", api::to_json(c.resources), "}");
  }
  out += cat("],\"generation\":", pod.metadata.generation);
  if (!error.empty()) {
    out += ",\"error\":";
    json::write_string(out, error);
  }
  return out + "}";
}

}  // namespace

void PodWorker::adopt(PodRef desired) {
  desired_ = std::move(desired);
  const std::string& uid = desired_->metadata.uid;
  const auto* granted = deps_.allocations.allocated(uid);
  if (granted == nullptr) {
    deps_.allocations.allocate(uid, resources_of(*desired_));
    pod_ = desired_;
    return;
  }
  const auto asked = resources_of(*desired_);
  const bool same = std::ranges::all_of(asked, [&](const auto& item) {
    const auto it = granted->find(item.first);
    return it == granted->end() || api::equal(it->second, item.second);
  });
  pod_ = same ? desired_ : std::make_shared<const corev1::Pod>(with_resources(*desired_, *granted));
}

bool PodWorker::resize_asked() const { return pod_ != desired_; }

bool PodWorker::resize_under_way() const {
  for (const auto* list : {&pod_->spec.containers, &pod_->spec.init_containers}) {
    for (const auto& c : *list) {
      const auto* record = runtime_.find(c.name);
      if (record == nullptr || record->state != cri::CONTAINER_RUNNING) continue;
      const auto* given = deps_.allocations.actuated(pod_->metadata.uid, c.name);
      if (given && !same_compute(*given, c.resources)) return true;
    }
  }
  return false;
}

// Whether the node can give what is asked for: now, later, or never.
void PodWorker::consider_resize() {
  if (!resize_asked()) {
    resize_pending_.reset();
    return;
  }
  std::optional<StartError> why;
  bool never = false;
  if (auto refusal = refused_capacity(*desired_, deps_.node)) {
    never = true;
    why = std::move(refusal);
  } else if (deps_.others) {
    why = refused_resources(*desired_, deps_.others(desired_->metadata.uid), deps_.node);
  }
  if (!why) {
    resize_pending_.reset();
    deps_.allocations.allocate(desired_->metadata.uid, resources_of(*desired_));
    pod_ = desired_;
    resize_started_ = true;
    pod_event(deps_, *pod_, {}, "Normal", "ResizeStarted",
              cat("Pod resize started: ", described(*pod_)));
    return;
  }
  ResizePending pending{never ? "Infeasible" : "Deferred", why->message,
                        desired_->metadata.generation};
  if (resize_pending_ && resize_pending_->reason == pending.reason &&
      resize_pending_->message == pending.message &&
      resize_pending_->generation == pending.generation) {
    return;
  }
  pod_event(deps_, *pod_, {}, "Warning", never ? "ResizeInfeasible" : "ResizeDeferred",
            cat("Pod resize ", never ? "Infeasible" : why->reason, ": ",
                described(*desired_, why->message)));
  resize_pending_ = std::move(pending);
}

std::vector<corev1::PodCondition> PodWorker::resize_conditions() const {
  std::vector<corev1::PodCondition> out;
  const auto add = [&](std::string_view type) -> corev1::PodCondition& {
    corev1::PodCondition& condition = out.emplace_back();
    condition.type = std::string(type);
    condition.status = "True";
    condition.last_probe_time = api::Time::from(deps_.executor.wall());
    return condition;
  };
  if (resize_pending_) {
    auto& pending = add("PodResizePending");
    pending.reason = resize_pending_->reason;
    pending.message = resize_pending_->message;
  }
  if (resize_started_ || resize_under_way()) {
    auto& under_way = add("PodResizeInProgress");
    if (!resize_error_.empty()) {
      under_way.reason = "Error";
      under_way.message = resize_error_;
    }
  }
  return out;
}

void PodWorker::plan_resize_restarts(SyncPlan& plan) const {
  if (plan.kill_pod) return;
  for (std::size_t i = 0; i < pod_->spec.containers.size(); ++i) {
    const auto& c = pod_->spec.containers[i];
    const auto* record = runtime_.find(c.name);
    const auto* given = deps_.allocations.actuated(pod_->metadata.uid, c.name);
    if (!record || record->state != cri::CONTAINER_RUNNING || !given) continue;
    if (same_compute(*given, c.resources) || !wants_restart(c, *given)) continue;
    const bool ends_anyway = std::ranges::any_of(
        plan.to_kill, [&](const ContainerKill& kill) { return kill.id == record->id; });
    if (ends_anyway) continue;
    plan.to_kill.push_back(
        {record->id, c.name, cat("Container ", c.name, " resize requires restart"), {}});
    plan.containers_to_start.push_back(i);
  }
}

async::Task<Status> PodWorker::update_container(corev1::Container container, std::string id,
                                                async::StopToken stop) {
  cri::UpdateContainerResourcesRequest request;
  request.container_id = std::move(id);
  request.linux = container_resources(*pod_, container, deps_.node.memory_capacity,
                                      deps_.options.quota_enforced);
  const Status done = co_await deps_.runtime.update_container_resources(std::move(request), stop);
  if (done.ok()) deps_.allocations.actuate(pod_->metadata.uid, container.name, container.resources);
  co_return done;
}

// Groups of containers lie within that of the pod: it grows before them and shrinks after them.
async::Task<void> PodWorker::actuate_resize(async::StopToken stop) {
  if (!resize_under_way()) co_return;
  const PodRef pod = pod_;
  struct Update {
    corev1::Container container;
    std::string id;
  };
  std::vector<Update> updates;
  std::int64_t growth = 0;
  for (const auto* list : {&pod->spec.containers, &pod->spec.init_containers}) {
    for (const auto& c : *list) {
      const auto* record = runtime_.find(c.name);
      const auto* given = deps_.allocations.actuated(pod->metadata.uid, c.name);
      if (!record || record->state != cri::CONTAINER_RUNNING || !given) continue;
      if (same_compute(*given, c.resources)) continue;
      growth += milli_of(c.resources.limits, "cpu") - milli_of(given->limits, "cpu");
      if (!wants_restart(c, *given)) updates.push_back({c, record->id});
    }
  }
  Status done;
  if (growth >= 0) done = co_await deps_.cgroups.ensure(pod);
  for (auto& update : updates) {
    if (!done.ok() || stop.stop_requested()) break;
    done = co_await update_container(std::move(update.container), std::move(update.id), stop);
  }
  if (done.ok() && growth < 0) done = co_await deps_.cgroups.ensure(pod);
  if (stop.stop_requested()) co_return;
  if (done.ok()) {
    resize_error_.clear();
    co_return;
  }
  if (resize_error_ != done.message()) {
    resize_error_ = done.message();
    pod_event(deps_, *pod, {}, "Warning", "ResizeError",
              cat("Pod resize error: ", described(*pod, resize_error_)));
  }
  wake_at(deps_.executor.steady() + std::chrono::seconds(10));
}

void PodWorker::end_resize() {
  if (!resize_started_ || resize_under_way()) return;
  resize_started_ = false;
  pod_event(deps_, *pod_, {}, "Normal", "ResizeCompleted",
            cat("Pod resize completed: ", described(*pod_)));
}

}  // namespace kpp::kubelet
