#include "controllers/replicaset/replicaset_controller.h"

#include <algorithm>

#include "api/json_codec.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr int kBurstReplicas = 500;

bool may_adopt(const corev1::Pod& pod) { return is_active(pod); }

template <class T>
struct Names;
template <>
struct Names<appsv1::ReplicaSet> {
  static constexpr const char* kController = "replicaset-controller";
  static constexpr const char* kEvents = "replicaset-controller";
};
template <>
struct Names<corev1::ReplicationController> {
  static constexpr const char* kController = "replicationcontroller-controller";
  static constexpr const char* kEvents = "replication-controller";
};

using SetRef = std::shared_ptr<const appsv1::ReplicaSet>;

SetRef as_set(SetRef set) { return set; }

SetRef as_set(const std::shared_ptr<const corev1::ReplicationController>& from) {
  if (!from) return nullptr;
  auto set = std::make_shared<appsv1::ReplicaSet>();
  set->metadata = from->metadata;
  set->spec.replicas = from->spec.replicas;
  set->spec.min_ready_seconds = from->spec.min_ready_seconds;
  if (!from->spec.selector.empty()) set->spec.selector.ensure().match_labels = from->spec.selector;
  if (from->spec.template_) set->spec.template_ = *from->spec.template_;
  set->status.replicas = from->status.replicas;
  set->status.fully_labeled_replicas = from->status.fully_labeled_replicas;
  set->status.ready_replicas = from->status.ready_replicas;
  set->status.available_replicas = from->status.available_replicas;
  set->status.observed_generation = from->status.observed_generation;
  for (const auto& condition : from->status.conditions) {
    auto& out = set->status.conditions.emplace_back();
    out.type = condition.type;
    out.status = condition.status;
    out.last_transition_time = condition.last_transition_time;
    out.reason = condition.reason;
    out.message = condition.message;
  }
  return set;
}

void set_status(appsv1::ReplicaSet& set, const appsv1::ReplicaSetStatus& status) {
  set.status = status;
}

void set_status(corev1::ReplicationController& to, const appsv1::ReplicaSetStatus& status) {
  to.status.replicas = status.replicas;
  to.status.fully_labeled_replicas = status.fully_labeled_replicas;
  to.status.ready_replicas = status.ready_replicas;
  to.status.available_replicas = status.available_replicas;
  to.status.observed_generation = status.observed_generation;
  to.status.conditions.clear();
  for (const auto& condition : status.conditions) {
    auto& out = to.status.conditions.emplace_back();
    out.type = condition.type;
    out.status = condition.status;
    out.last_transition_time = condition.last_transition_time;
    out.reason = condition.reason;
    out.message = condition.message;
  }
}

// A replication controller does not tell how many of its pods are on their way out.
template <class T>
constexpr bool kTellsTerminating = std::is_same_v<T, appsv1::ReplicaSet>;

}  // namespace

template <class T>
ReplicasController<T>::ReplicasController(ControllerContext context)
    : Controller(context, Names<T>::kController, Names<T>::kEvents),
      pod_control_(client(), events()),
      expectations_(executor()),
      sets_(watch<T>([this](const auto& before, const auto& after) {
        const auto key = api::key_of(after ? *after : *before);
        if (!after) expectations_.forget(key);
        queue().add(key);
      })),
      pods_(watch<corev1::Pod>(
          [this](const PodRef& before, const PodRef& after) { on_pod(before, after); })) {}

template <class T>
typename ReplicasController<T>::SetRef ReplicasController<T>::set_of(
    const std::string& namespace_, const metav1::OwnerReference* controller) const {
  if (!controller || controller->kind != T::desc().gvks.front().kind) return nullptr;
  auto found = set({namespace_, controller->name});
  return found && found->metadata.uid == controller->uid ? found : nullptr;
}

template <class T>
void ReplicasController<T>::on_pod_gone(const PodRef& pod) {
  const auto set = set_of(pod->metadata.namespace_, api::controller_of(pod->metadata));
  if (!set) return;
  expectations_.deletion_seen(api::key_of(*set), pod->metadata.uid);
  queue().add(api::key_of(*set));
}

template <class T>
void ReplicasController<T>::enqueue_orphan_takers(const corev1::Pod& pod) {
  for (const auto& set : sets_in(pod.metadata.namespace_)) {
    if (set->spec.selector && !is_empty(*set->spec.selector) &&
        selects(*set->spec.selector, pod.metadata.labels)) {
      queue().add(api::key_of(*set));
    }
  }
}

template <class T>
void ReplicasController<T>::on_pod(const PodRef& before, const PodRef& after) {
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

template <class T>
async::Task<Status> ReplicasController<T>::reconcile(api::ObjectKey key, async::StopToken stop) {
  const SetRef set = this->set(key);
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
  if (!kTellsTerminating<T>) status.terminating_replicas.reset();
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

template <class T>
async::Task<Result<std::vector<PodRef>>> ReplicasController<T>::claim_pods(SetRef set,
                                                                           async::StopToken stop) {
  if (!set->spec.selector) co_return std::vector<PodRef>();
  co_return co_await claim_all<corev1::Pod>(
      client(), &T::desc(), set->metadata, *set->spec.selector,
      pods_.in_namespace(set->metadata.namespace_), &may_adopt, stop);
}

template <class T>
async::Task<Status> ReplicasController<T>::manage(SetRef set, std::vector<PodRef> active,
                                                  async::StopToken stop) {
  const PodOwner owner{&T::desc(), set->metadata};
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

template <class T>
std::vector<PodRef> ReplicasController<T>::related_pods(const appsv1::ReplicaSet& set) const {
  std::set<std::string> uids{set.metadata.uid};
  if (const auto* owner = api::controller_of(set.metadata)) {
    for (const auto& other : sets_in(set.metadata.namespace_)) {
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

template <class T>
async::Task<Status> ReplicasController<T>::write_status(SetRef set, appsv1::ReplicaSetStatus status,
                                                        async::StopToken stop) {
  status.observed_generation = set->metadata.generation;
  const auto known = sets_.get(api::key_of(*set));
  if (!known || api::equal(status, set->status)) co_return Status();
  T next = *known;
  set_status(next, status);
  auto written = co_await client().template update_status<T>(std::move(next), stop);
  if (written) co_return Status();
  if (written.error().is(Reason::kNotFound)) co_return Status();
  if (!written.error().is(Reason::kConflict)) co_return std::move(written).error();
  auto fresh = co_await client().template get<T>(api::key_of(*set), stop);
  if (!fresh) co_return std::move(fresh).error();
  set_status(*fresh, status);
  auto again = co_await client().template update_status<T>(std::move(*fresh), stop);
  if (!again) co_return std::move(again).error();
  co_return Status();
}

template <class T>
typename ReplicasController<T>::SetRef ReplicasController<T>::set(const api::ObjectKey& key) const {
  return as_set(sets_.get(key));
}

template <class T>
std::vector<typename ReplicasController<T>::SetRef> ReplicasController<T>::sets_in(
    const std::string& namespace_) const {
  std::vector<SetRef> out;
  for (const auto& object : sets_.in_namespace(namespace_)) out.push_back(as_set(object));
  return out;
}

template class ReplicasController<appsv1::ReplicaSet>;
template class ReplicasController<corev1::ReplicationController>;

}  // namespace kpp::controllers
