// Scheduler: pods of lower priority make room.
#include "codec/json.h"
#include "scheduler/state.h"

namespace kpp::scheduler {

async::Task<void> Scheduler::State::evict(PodRef victim, PodRef preemptor, std::string node,
                                          async::StopToken stop) {
  const auto key = api::key_of(*victim);
  const auto latest = pods.get(key);
  if (!latest || latest->metadata.uid != victim->metadata.uid ||
      latest->metadata.deletion_timestamp) {
    co_return;
  }
  json::Object condition{{"type", "DisruptionTarget"},
                         {"observedGeneration", latest->metadata.generation},
                         {"status", "True"},
                         {"lastProbeTime", nullptr},
                         {"lastTransitionTime", rfc3339(deps.executor.wall())},
                         {"reason", "PreemptionByScheduler"},
                         {"message", cat(options.scheduler_name,
                                         ": preempting to accommodate a higher priority pod")}};
  json::Object patch{{"metadata", json::Object{{"uid", latest->metadata.uid}}},
                     {"status", json::Object{{"conditions", json::Array{std::move(condition)}}}}};
  auto patched = co_await deps.client.patch<corev1::Pod>(
      key, client::PatchType::kStrategicMerge, json::write(patch), std::string("status"), stop);
  if (!patched && !patched.error().is(Reason::kNotFound)) {
    deps.log.warning("Condition not written", {kv("pod", key), kv("err", patched.error())});
    co_return;
  }
  client::DeleteQuery only_this;
  only_this.uid = latest->metadata.uid;
  const Status removed = co_await deps.client.remove<corev1::Pod>(key, std::move(only_this), stop);
  if (!removed.ok()) {
    if (!removed.is(Reason::kNotFound))
      deps.log.warning("Pod not preempted", {kv("pod", key), kv("err", removed)});
    co_return;
  }
  events.record(*latest, "Normal", "Preempted", "Preempting",
                cat("Preempted by pod ", preemptor->metadata.uid, " on node ", node),
                preemptor.get());
}

void Scheduler::State::take_nominations_from_lower(const PodInfo& preemptor,
                                                   const std::string& node) {
  for (const auto& other : cache.nominated_to(node, preemptor.key())) {
    if (other->priority() >= preemptor.priority()) continue;
    cache.drop_nomination(other->key());
    scope.spawn(clear_nomination(other->pod, scope.stop_token()));
  }
}

async::Task<void> Scheduler::State::clear_nomination(PodRef pod, async::StopToken stop) {
  json::Object patch{{"metadata", json::Object{{"uid", pod->metadata.uid}}},
                     {"status", json::Object{{"nominatedNodeName", nullptr}}}};
  auto patched =
      co_await deps.client.patch<corev1::Pod>(api::key_of(*pod), client::PatchType::kStrategicMerge,
                                              json::write(patch), std::string("status"), stop);
  if (!patched && !stop.stop_requested() && !patched.error().is(Reason::kNotFound)) {
    deps.log.warning("Nomination not taken back",
                     {kv("pod", api::key_of(*pod)), kv("err", patched.error())});
  }
}

}  // namespace kpp::scheduler
