#include "controllers/replicaset/replicaset_controller.h"

#include <algorithm>

#include "api/json_codec.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr int kBurstReplicas = 500;
constexpr int kFirstBatch = 1;

bool about_terminating_namespace(const Status& status) {
  const auto& causes = status.details().causes;
  return std::any_of(causes.begin(), causes.end(),
                     [](const auto& c) { return c.type == "NamespaceTerminating"; });
}

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
  std::vector<PodRef> mine;
  if (!set->spec.selector) co_return mine;
  Status failed;
  for (const auto& pod : pods_.in_namespace(set->metadata.namespace_)) {
    switch (claim(set->metadata, *set->spec.selector, pod->metadata)) {
      case Claim::kMine:
        mine.push_back(pod);
        break;
      case Claim::kNotMine:
        break;
      case Claim::kAdopt: {
        if (!is_active(*pod)) break;
        Status status = co_await adopt(client(), &appsv1::ReplicaSet::desc(), set->metadata,
                                       &corev1::Pod::desc(), pod->metadata, stop);
        if (status.ok()) mine.push_back(pod);
        if (!status.ok() && !status.is(Reason::kNotFound)) failed = std::move(status);
        break;
      }
      case Claim::kRelease: {
        Status status = co_await release(client(), set->metadata.uid, &corev1::Pod::desc(),
                                         pod->metadata, stop);
        if (!status.ok()) failed = std::move(status);
        break;
      }
    }
  }
  if (!failed.ok()) co_return fail(std::move(failed));
  co_return mine;
}

async::Task<Status> ReplicaSetController::manage(SetRef set, std::vector<PodRef> active,
                                                 async::StopToken stop) {
  const int difference = static_cast<int>(active.size()) - set->spec.replicas.value_or(1);
  if (difference < 0)
    co_return co_await create_pods(set, std::min(-difference, kBurstReplicas), stop);
  if (difference == 0) co_return Status();
  auto victims =
      pods_to_delete(std::move(active), related_pods(*set),
                     static_cast<std::size_t>(std::min(difference, kBurstReplicas)), now());
  co_return co_await delete_pods(set, std::move(victims), stop);
}

// In batches of 1, 2, 4, ...: what fails for one pod would mostly fail for all.
async::Task<Status> ReplicaSetController::create_pods(SetRef set, int count,
                                                      async::StopToken stop) {
  const auto key = api::key_of(*set);
  expectations_.expect_creations(key, count);
  Status first_error;
  int failures = 0;
  int left = count;
  for (int batch = kFirstBatch; left > 0; batch *= 2) {
    const int n = std::min(batch, left);
    std::vector<async::Task<void>> tasks;
    for (int i = 0; i < n; ++i) tasks.push_back(create_one(set, &first_error, &failures, stop));
    co_await async::all(executor(), std::move(tasks));
    left -= n;
    if (failures > 0) break;
  }
  for (int i = 0; i < left; ++i) expectations_.creation_seen(key);
  co_return first_error;
}

async::Task<void> ReplicaSetController::create_one(SetRef set, Status* first_error, int* failures,
                                                   async::StopToken stop) {
  const PodOwner owner{&appsv1::ReplicaSet::desc(), set->metadata};
  Status status =
      co_await pod_control_.create(pod_from_template(set->spec.template_, owner), owner, stop);
  if (status.ok()) co_return;
  ++*failures;
  expectations_.creation_seen(api::key_of(*set));
  if (!about_terminating_namespace(status) && first_error->ok()) *first_error = std::move(status);
}

async::Task<Status> ReplicaSetController::delete_pods(SetRef set, std::vector<PodRef> pods,
                                                      async::StopToken stop) {
  std::set<std::string> uids;
  for (const auto& pod : pods) uids.insert(pod->metadata.uid);
  expectations_.expect_deletions(api::key_of(*set), std::move(uids));
  Status first_error;
  std::vector<async::Task<void>> tasks;
  for (const auto& pod : pods) tasks.push_back(delete_one(set, pod, &first_error, stop));
  co_await async::all(executor(), std::move(tasks));
  co_return first_error;
}

async::Task<void> ReplicaSetController::delete_one(SetRef set, PodRef pod, Status* first_error,
                                                   async::StopToken stop) {
  const PodOwner owner{&appsv1::ReplicaSet::desc(), set->metadata};
  Status status = co_await pod_control_.remove(api::key_of(*pod), owner, stop);
  if (status.ok()) co_return;
  expectations_.deletion_seen(api::key_of(*set), pod->metadata.uid);
  if (!status.is(Reason::kNotFound) && first_error->ok()) *first_error = std::move(status);
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
