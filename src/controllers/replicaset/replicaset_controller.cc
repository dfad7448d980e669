#include "controllers/replicaset/replicaset_controller.h"

#include <algorithm>

#include "api/json_codec.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr int kBurstReplicas = 500;

bool may_adopt(const corev1::Pod& pod) { return is_active(pod); }

}  // namespace

ReplicaSetController::ReplicaSetController(ControllerContext context)
    : Controller(context, "replicaset-controller", "replicaset-controller"),
      pod_control_(client(), events()),
      expectations_(executor()),
      sets_(watch<appsv1::ReplicaSet>([this](const SetRef& before, const SetRef& after) {
        const auto key = api::key_of(after ? *after : *before);
        if (!after) expectations_.forget(key);
        queue().add(key);
      })),
      pods_(watch<corev1::Pod>(
          [this](const PodRef& before, const PodRef& after) { on_pod(before, after); })) {}

ReplicaSetController::SetRef ReplicaSetController::set_of(
    const std::string& namespace_, const metav1::OwnerReference* controller) const {
  if (!controller || controller->kind != "ReplicaSet") return nullptr;
  auto set = sets_.get({namespace_, controller->name});
  return set && set->metadata.uid == controller->uid ? set : nullptr;
}

void ReplicaSetController::on_pod_gone(const PodRef& pod) {
  const auto set = set_of(pod->metadata.namespace_, api::controller_of(pod->metadata));
  if (!set) return;
  expectations_.deletion_seen(api::key_of(*set), pod->metadata.uid);
  queue().add(api::key_of(*set));
}

void ReplicaSetController::enqueue_orphan_takers(const corev1::Pod& pod) {
  for (const auto& set : sets_.in_namespace(pod.metadata.namespace_)) {
    if (set->spec.selector && !is_empty(*set->spec.selector) &&
        selects(*set->spec.selector, pod.metadata.labels)) {
      queue().add(api::key_of(*set));
    }
  }
}

void ReplicaSetController::on_pod(const PodRef& before, const PodRef& after) {
  if (!after) return on_pod_gone(before);
  if (after->metadata.deletion_timestamp) {
    on_pod_gone(after);
    // A finished one may have changed the count of those that terminate.
    return;
  }
  const auto& ns = after->metadata.namespace_;
  const auto* controller = api::controller_of(after->metadata);
  const auto set = set_of(ns, controller);
  if (before) {
    const auto old_set = set_of(ns, api::controller_of(before->metadata));
    if (old_set && old_set != set) queue().add(api::key_of(*old_set));
  }
  if (set) {
    const auto key = api::key_of(*set);
    if (!before) expectations_.creation_seen(key);
    queue().add(key);
    if (before && !is_ready(*before) && is_ready(*after) && set->spec.min_ready_seconds > 0) {
      queue().add_after(key, std::chrono::seconds(set->spec.min_ready_seconds + 1));
    }
    return;
  }
  if (controller) return;
  const bool changed = !before || before->metadata.labels != after->metadata.labels ||
                       api::controller_of(before->metadata) != nullptr;
  if (changed) enqueue_orphan_takers(*after);
}

async::Task<Status> ReplicaSetController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const SetRef set = sets_.get(key);
  if (!set) {
    expectations_.forget(key);
    co_return Status();
  }
  const bool may_manage = expectations_.satisfied(key);
  auto claimed = co_await claim_pods(set, stop);
  if (!claimed) co_return std::move(claimed).error();
  std::vector<PodRef> active;
  int terminating = 0;
  for (const auto& pod : *claimed) {
    if (is_active(*pod)) active.push_back(pod);
    if (is_terminating(*pod)) ++terminating;
  }
  Status managed;
  if (may_manage && !set->metadata.deletion_timestamp) managed = co_await manage(set, active, stop);

  appsv1::ReplicaSetStatus status = replica_set_status(*set, active, terminating, now());
  const int wanted = set->spec.replicas.value_or(1);
  set_replica_failure(status, managed, static_cast<int>(active.size()) < wanted, now());
  const Status written = co_await write_status(set, status, stop);
  if (!managed.ok()) co_return managed;
  if (!written.ok()) co_return written;
  if (set->spec.min_ready_seconds > 0 && status.ready_replicas == wanted &&
      status.available_replicas != wanted) {
    queue().add_after(key, std::chrono::seconds(set->spec.min_ready_seconds));
  }
  co_return Status();
}

async::Task<Result<std::vector<PodRef>>> ReplicaSetController::claim_pods(SetRef set,
                                                                          async::StopToken stop) {
  if (!set->spec.selector) co_return std::vector<PodRef>();
  co_return co_await claim_all<corev1::Pod>(
      client(), &appsv1::ReplicaSet::desc(), set->metadata, *set->spec.selector,
      pods_.in_namespace(set->metadata.namespace_), &may_adopt, stop);
}

async::Task<Status> ReplicaSetController::manage(SetRef set, std::vector<PodRef> active,
                                                 async::StopToken stop) {
  const PodOwner owner{&appsv1::ReplicaSet::desc(), set->metadata};
  const int difference = static_cast<int>(active.size()) - set->spec.replicas.value_or(1);
  std::vector<corev1::Pod> to_create;
  for (int i = 0; i < std::min(-difference, kBurstReplicas); ++i) {
    to_create.push_back(pod_from_template(set->spec.template_, owner));
  }
  std::vector<PodRef> to_delete;
  if (difference > 0) {
    to_delete =
        pods_to_delete(std::move(active), related_pods(*set),
                       static_cast<std::size_t>(std::min(difference, kBurstReplicas)), now());
  }
  PodBatch batch({executor(), pod_control_, expectations_}, owner);
  co_return co_await batch.run(std::move(to_create), std::move(to_delete), stop);
}

std::vector<PodRef> ReplicaSetController::related_pods(const appsv1::ReplicaSet& set) const {
  std::set<std::string> uids{set.metadata.uid};
  if (const auto* owner = api::controller_of(set.metadata)) {
    for (const auto& other : sets_.in_namespace(set.metadata.namespace_)) {
      if (api::is_controlled_by(other->metadata, owner->uid)) uids.insert(other->metadata.uid);
    }
  }
  std::vector<PodRef> out;
  for (const auto& pod : pods_.in_namespace(set.metadata.namespace_)) {
    const auto* controller = api::controller_of(pod->metadata);
    if (controller && uids.contains(controller->uid)) out.push_back(pod);
  }
  return out;
}

async::Task<Status> ReplicaSetController::write_status(SetRef set, appsv1::ReplicaSetStatus status,
                                                       async::StopToken stop) {
  status.observed_generation = set->metadata.generation;
  if (api::equal(status, set->status)) co_return Status();
  appsv1::ReplicaSet next = *set;
  next.status = status;
  auto written = co_await client().update_status<appsv1::ReplicaSet>(next, stop);
  if (written) co_return Status();
  if (written.error().is(Reason::kNotFound)) co_return Status();
  if (!written.error().is(Reason::kConflict)) co_return std::move(written).error();
  auto fresh = co_await client().get<appsv1::ReplicaSet>(api::key_of(*set), stop);
  if (!fresh) co_return std::move(fresh).error();
  fresh->status = std::move(status);
  auto again = co_await client().update_status<appsv1::ReplicaSet>(std::move(*fresh), stop);
  if (!again) co_return std::move(again).error();
  co_return Status();
}

}  // namespace kpp::controllers
