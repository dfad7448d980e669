// Scheduler: what is written when a pod has its node.
#include "api/json_codec.h"
#include "client/event_recorder.h"
#include "scheduler/state.h"

namespace kpp::scheduler {

namespace {

constexpr Duration kVolumeTimeout = std::chrono::minutes(10);

}  // namespace

async::Task<void> Scheduler::State::bind(QueuedPod pod, std::string node, VolumePlan plan,
                                         async::StopToken stop) {
  const PodRef object = pod.pod->pod;
  const auto key = api::key_of(*object);
  if (!plan.empty()) {
    binds.release();  // volumes may take minutes
    const Status bound = co_await bind_volumes(node, plan, stop);
    if (stop.stop_requested()) co_return;
    cache.storage().forget(plan);
    if (!bound.ok()) {
      binding_failed(std::move(pod),
                     cat("running PreBind plugin \"VolumeBinding\": ", bound.message()));
      co_return;
    }
  }
  corev1::Binding binding;
  binding.metadata.namespace_ = key.namespace_;
  binding.metadata.name = key.name;
  binding.metadata.uid = object->metadata.uid;
  binding.target.kind = "Node";
  binding.target.name = node;
  net::Request request;
  request.method = "POST";
  request.path = api::resource_path(corev1::Pod::desc(), key.namespace_, key.name, "binding");
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Accept", "application/json");
  request.body = api::to_json(binding);
  auto response = co_await deps.client.raw(std::move(request), false, stop);
  if (plan.empty()) binds.release();
  if (response) {
    deps.log.debug(2, "Successfully bound pod to node", {kv("pod", key), kv("node", node)});
    events.record(*object, "Normal", "Scheduled", "Binding",
                  cat("Successfully assigned ", key, " to ", node));
    co_return;
  }
  if (stop.stop_requested()) co_return;
  deps.log.warning("Binding refused",
                   {kv("pod", key), kv("node", node), kv("err", response.error())});
  binding_failed(std::move(pod), cat("binding rejected: running Bind plugin \"DefaultBinder\": ",
                                     response.error().message()));
}

void Scheduler::State::binding_failed(QueuedPod pod, const std::string& why) {
  const PodRef object = pod.pod->pod;
  const auto key = api::key_of(*object);
  cache.forget(key);
  queue.move(kNodeResourcesFitBit | kNodePortsBit);
  const auto latest = pods.get(key);
  if (!latest || latest->metadata.uid != object->metadata.uid || !latest->spec.node_name.empty())
    return;
  events.record(*object, "Warning", "FailedScheduling", "Scheduling", why);
  scope.spawn(write_condition(latest, "SchedulerError", why, std::nullopt, scope.stop_token()));
  // What has changed meanwhile is tried instead of what was refused.
  if (latest != object) pod.pod = std::make_shared<const PodInfo>(latest);
  if (!latest->metadata.deletion_timestamp) queue.retry(std::move(pod));
}

async::Task<Status> Scheduler::State::bind_volumes(std::string node, VolumePlan plan,
                                                   async::StopToken stop) {
  std::vector<api::ObjectKey> waiting;
  for (const auto& binding : plan.bindings) {
    KPP_CO_RETURN_IF_ERROR(co_await promise(binding, stop));
    waiting.push_back(binding.claim);
  }
  for (const auto& claim : plan.provisions) {
    KPP_CO_RETURN_IF_ERROR(co_await ask_provisioner(claim, node, stop));
    waiting.push_back(claim);
  }
  co_return co_await wait_until_bound(std::move(waiting), std::move(node), stop);
}

async::Task<Status> Scheduler::State::promise(VolumePlan::Binding binding, async::StopToken stop) {
  const auto volume = cache.storage().volume(binding.volume);
  const auto claim = cache.storage().claim(binding.claim);
  if (!volume || !claim) {
    co_return Status(Reason::kConflict, cat("volume ", quoted(binding.volume), " or claim ",
                                            quoted(binding.claim.to_string()), " is gone"));
  }
  corev1::PersistentVolume promised = *volume;
  if (promised.spec.claim_ref) {
    if (!api::is_for(promised, *claim)) {
      co_return Status(Reason::kConflict, cat("volume ", quoted(binding.volume),
                                              " already bound to a different claim."));
    }
    if (promised.spec.claim_ref->uid == claim->metadata.uid) co_return Status();
  } else {
    promised.metadata.annotations[api::kBoundByController] = "yes";
  }
  promised.spec.claim_ref =
      client::reference_to(corev1::PersistentVolumeClaim::desc(), claim->metadata);
  auto updated = co_await deps.client.update<corev1::PersistentVolume>(std::move(promised), stop);
  if (!updated) co_return std::move(updated).error();
  co_return Status();
}

async::Task<Status> Scheduler::State::ask_provisioner(api::ObjectKey key, std::string node,
                                                      async::StopToken stop) {
  const auto claim = cache.storage().claim(key);
  if (!claim) {
    co_return Status(Reason::kNotFound,
                     cat("persistentvolumeclaim ", quoted(key.name), " not found"));
  }
  const auto chosen = claim->metadata.annotations.find(api::kSelectedNode);
  if (chosen != claim->metadata.annotations.end() && chosen->second == node) co_return Status();
  corev1::PersistentVolumeClaim next = *claim;
  next.metadata.annotations[api::kSelectedNode] = node;
  auto updated = co_await deps.client.update<corev1::PersistentVolumeClaim>(std::move(next), stop);
  if (!updated) co_return std::move(updated).error();
  cache.storage().set_claim(key, std::make_shared<const corev1::PersistentVolumeClaim>(*updated));
  co_return Status();
}

async::Task<Status> Scheduler::State::wait_until_bound(std::vector<api::ObjectKey> waiting,
                                                       std::string node, async::StopToken stop) {
  const TimePoint end = deps.executor.steady() + kVolumeTimeout;
  while (true) {
    const auto known = cache.node(node);
    if (known == nullptr || !known->node)
      co_return Status(Reason::kNotFound, cat("node ", quoted(node), " not found"));
    bool all = true;
    for (const auto& key : waiting) {
      const auto claim = cache.storage().claim(key);
      if (!claim) {
        co_return Status(Reason::kNotFound, cat("binding volumes: persistentvolumeclaim ",
                                                quoted(key.name), " not found"));
      }
      if (!api::is_bound(*claim)) {
        all = false;
        continue;
      }
      const auto volume = cache.storage().volume(claim->spec.volume_name);
      if (!volume) {
        all = false;
      } else if (!api::reachable_from(*volume, *known->node)) {
        co_return Status(Reason::kConflict,
                         cat("binding volumes: pv ", quoted(volume->metadata.name),
                             " node affinity doesn't match node ", quoted(node)));
      }
    }
    if (all) co_return Status();
    const TimePoint now = deps.executor.steady();
    if (now >= end)
      co_return Status(Reason::kTimeout, "binding volumes: context deadline exceeded");
    const bool woken = co_await storage_changed.wait_for(end - now, stop);
    if (!woken && stop.stop_requested()) co_return Status(Reason::kCanceled, "stopped");
  }
}

}  // namespace kpp::scheduler
