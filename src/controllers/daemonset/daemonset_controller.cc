#include "controllers/daemonset/daemonset_controller.h"

#include <algorithm>

#include "api/json_codec.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr std::size_t kBurst = 250;
constexpr Duration kFirstBackOff = std::chrono::seconds(1);
constexpr Duration kLongestBackOff = std::chrono::minutes(15);

bool may_adopt(const corev1::Pod&) { return true; }

bool same_taints(const std::vector<corev1::Taint>& a, const std::vector<corev1::Taint>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return api::equal(x, y); });
}

PodsByNode by_node(const std::vector<PodRef>& pods) {
  PodsByNode out;
  for (const auto& pod : pods) {
    const std::string node = target_node(*pod);
    if (!node.empty()) out[node].push_back(pod);
  }
  return out;
}

}  // namespace

DaemonSetController::DaemonSetController(ControllerContext context)
    : Controller(context, "daemonset-controller", "daemonset-controller"),
      pod_control_(client(), events()),
      expectations_(executor()),
      sets_(watch<appsv1::DaemonSet>([this](const SetRef& before, const SetRef& after) {
        const auto key = api::key_of(after ? *after : *before);
        if (!after) expectations_.forget(key);
        queue().add(key);
      })),
      revisions_(watch<appsv1::ControllerRevision>([this](const auto& before, const auto& after) {
        const auto& revision = after ? *after : *before;
        const auto set =
            set_of(revision.metadata.namespace_, api::controller_of(revision.metadata));
        if (set && (!before || !after)) queue().add(api::key_of(*set));
      })),
      pods_(watch<corev1::Pod>(
          [this](const PodRef& before, const PodRef& after) { on_pod(before, after); })),
      nodes_(watch<corev1::Node>(
          [this](const NodeRef& before, const NodeRef& after) { on_node(before, after); })) {}

DaemonSetController::SetRef DaemonSetController::set_of(
    const std::string& namespace_, const metav1::OwnerReference* controller) const {
  if (!controller || controller->kind != "DaemonSet") return nullptr;
  auto set = sets_.get({namespace_, controller->name});
  return set && set->metadata.uid == controller->uid ? set : nullptr;
}

void DaemonSetController::on_pod(const PodRef& before, const PodRef& after) {
  const auto& pod = after ? *after : *before;
  const auto* controller = api::controller_of(pod.metadata);
  const auto set = set_of(pod.metadata.namespace_, controller);
  if (before && after) {
    const auto old_set = set_of(pod.metadata.namespace_, api::controller_of(before->metadata));
    if (old_set && old_set != set) queue().add(api::key_of(*old_set));
  }
  if (set) {
    const auto key = api::key_of(*set);
    if (!after || after->metadata.deletion_timestamp) {
      expectations_.deletion_seen(key, pod.metadata.uid);
    } else if (!before) {
      expectations_.creation_seen(key);
    }
    queue().add(key);
    if (before && after && !is_ready(*before) && is_ready(*after) &&
        set->spec.min_ready_seconds > 0) {
      queue().add_after(key, std::chrono::seconds(set->spec.min_ready_seconds + 1));
    }
    return;
  }
  if (controller || !after || after->metadata.deletion_timestamp) return;
  if (before && before->metadata.labels == after->metadata.labels &&
      !api::controller_of(before->metadata)) {
    return;
  }
  for (const auto& other : sets_.in_namespace(pod.metadata.namespace_)) {
    if (other->spec.selector && !is_empty(*other->spec.selector) &&
        selects(*other->spec.selector, pod.metadata.labels)) {
      queue().add(api::key_of(*other));
    }
  }
}

void DaemonSetController::on_node(const NodeRef& before, const NodeRef& after) {
  if (before && after && before->metadata.labels == after->metadata.labels &&
      same_taints(before->spec.taints, after->spec.taints)) {
    return;
  }
  for (const auto& set : sets_.all()) {
    const NodeVerdict was = before ? verdict_for(*set, *before) : NodeVerdict();
    const NodeVerdict is = after ? verdict_for(*set, *after) : NodeVerdict();
    if (was.should_run != is.should_run || was.may_keep_running != is.may_keep_running)
      queue().add(api::key_of(*set));
  }
}

async::Task<Status> DaemonSetController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const SetRef set = sets_.get(key);
  if (!set) {
    expectations_.forget(key);
    co_return Status();
  }
  if (!set->spec.selector || is_empty(*set->spec.selector)) {
    events().event(client::reference_to(appsv1::DaemonSet::desc(), set->metadata), "Warning",
                   "SelectingAll",
                   "This daemon set is selecting all pods. A non-empty selector is required.");
    co_return Status();
  }
  if (set->metadata.deletion_timestamp) co_return Status();

  const bool may_manage = expectations_.satisfied(key);
  auto claimed = co_await claim_all<corev1::Pod>(
      client(), &appsv1::DaemonSet::desc(), set->metadata, *set->spec.selector,
      pods_.in_namespace(key.namespace_), &may_adopt, stop);
  if (!claimed) co_return std::move(claimed).error();
  auto history = co_await construct_history(set, *claimed, stop);
  if (!history) co_return std::move(history).error();

  const auto nodes = nodes_.all();
  const auto pods = by_node(*claimed);
  Status managed;
  if (may_manage) {
    managed = co_await update(set, nodes, pods, history->hash, stop);
    if (managed.ok()) managed = co_await clean_history(set, history->old, *claimed, stop);
  }
  // What is there by now: the pods above may have come and gone.
  std::vector<PodRef> mine;
  for (const auto& pod : pods_.in_namespace(key.namespace_)) {
    if (api::is_controlled_by(pod->metadata, set->metadata.uid)) mine.push_back(pod);
  }
  appsv1::DaemonSetStatus status =
      daemon_status(*set, nodes_.all(), by_node(mine), history->hash, now());
  if (may_manage) status.observed_generation = set->metadata.generation;
  const bool all_available = status.number_ready == status.number_available;
  const Status written = co_await write_status(set, std::move(status), stop);
  if (!managed.ok()) co_return managed;
  if (!written.ok()) co_return written;
  if (set->spec.min_ready_seconds > 0 && !all_available) {
    queue().add_after(key, std::chrono::seconds(set->spec.min_ready_seconds));
  }
  co_return Status();
}

// The rolling update looks at the nodes only when they need nothing else.
async::Task<Status> DaemonSetController::update(SetRef set, std::vector<NodeRef> nodes,
                                                PodsByNode pods, std::string hash,
                                                async::StopToken stop) {
  DaemonChange change = plan(set, nodes, pods, hash);
  KPP_CO_RETURN_IF_ERROR(co_await apply(set, std::move(change), hash, stop));
  if (!expectations_.satisfied(api::key_of(*set))) co_return Status();
  if (set->spec.update_strategy.type != "RollingUpdate") co_return Status();
  change = rolling_step(*set, nodes, pods, hash, now());
  co_return co_await apply(set, std::move(change), hash, stop);
}

DaemonChange DaemonSetController::plan(const SetRef& set, const std::vector<NodeRef>& nodes,
                                       const PodsByNode& pods, const std::string& hash) {
  DaemonChange change;
  std::set<std::string> known;
  for (const auto& node : nodes) {
    known.insert(node->metadata.name);
    const auto there = pods.find(node->metadata.name);
    const NodeVerdict verdict = verdict_for(*set, *node);
    if (there == pods.end()) {
      if (verdict.should_run) change.create_on.push_back(node->metadata.name);
      continue;
    }
    if (verdict.may_keep_running) {
      sort_out(set, node->metadata.name, there->second, hash, change);
      continue;
    }
    for (const auto& pod : there->second) {
      if (!pod->metadata.deletion_timestamp) change.remove.push_back(pod);
    }
  }
  // Made for a node that is gone before the scheduler saw them.
  for (const auto& [node, on_node] : pods) {
    if (known.contains(node)) continue;
    for (const auto& pod : on_node) {
      if (pod->spec.node_name.empty() && !pod->metadata.deletion_timestamp)
        change.remove.push_back(pod);
    }
  }
  return change;
}

void DaemonSetController::sort_out(const SetRef& set, const std::string& node,
                                   const std::vector<PodRef>& pods, const std::string& hash,
                                   DaemonChange& change) {
  const auto about = client::reference_to(appsv1::DaemonSet::desc(), set->metadata);
  std::vector<PodRef> running;
  for (const auto& pod : pods) {
    if (pod->metadata.deletion_timestamp) continue;
    const auto name = api::key_of(*pod).to_string();
    if (pod->status.phase == "Failed") {
      const Duration wait =
          failed_pod_wait(cat(set->metadata.uid, "/", set->status.observed_generation, "/", node));
      if (wait > Duration::zero()) {
        queue().add_after(api::key_of(*set), wait);
        continue;
      }
      events().event(
          about, "Warning", "FailedDaemonPod",
          cat("Found failed daemon pod ", name, " on node ", node, ", will try to kill it"));
      change.remove.push_back(pod);
    } else if (pod->status.phase == "Succeeded") {
      events().event(
          about, "Normal", "SucceededDaemonPod",
          cat("Found succeeded daemon pod ", name, " on node ", node, ", will try to delete it"));
      change.remove.push_back(pod);
    } else {
      running.push_back(pod);
    }
  }
  for (auto& pod : surplus(*set, std::move(running), hash, now()))
    change.remove.push_back(std::move(pod));
}

Duration DaemonSetController::failed_pod_wait(const std::string& key) {
  const TimePoint time = executor().steady();
  std::erase_if(failed_pods_,
                [&](const auto& e) { return time - e.second.last > 2 * kLongestBackOff; });
  BackOff& entry = failed_pods_[key];
  if (entry.delay > Duration::zero() && time - entry.last < entry.delay)
    return entry.last + entry.delay - time;
  entry.delay =
      entry.delay == Duration::zero() ? kFirstBackOff : std::min(entry.delay * 2, kLongestBackOff);
  entry.last = time;
  return Duration::zero();
}

async::Task<Status> DaemonSetController::apply(SetRef set, DaemonChange change, std::string hash,
                                               async::StopToken stop) {
  if (change.create_on.size() > kBurst) change.create_on.resize(kBurst);
  if (change.remove.size() > kBurst) change.remove.resize(kBurst);
  std::vector<corev1::Pod> to_create;
  for (const auto& node : change.create_on) to_create.push_back(daemon_pod(*set, node, hash));
  PodBatch batch({executor(), pod_control_, expectations_},
                 {&appsv1::DaemonSet::desc(), set->metadata});
  co_return co_await batch.run(std::move(to_create), std::move(change.remove), stop);
}

async::Task<Status> DaemonSetController::write_status(SetRef set, appsv1::DaemonSetStatus status,
                                                      async::StopToken stop) {
  if (api::equal(status, set->status)) co_return Status();
  appsv1::DaemonSet next = *set;
  next.status = status;
  auto written = co_await client().update_status<appsv1::DaemonSet>(std::move(next), stop);
  if (written || written.error().is(Reason::kNotFound)) co_return Status();
  if (!written.error().is(Reason::kConflict)) co_return std::move(written).error();
  auto fresh = co_await client().get<appsv1::DaemonSet>(api::key_of(*set), stop);
  if (!fresh) co_return std::move(fresh).error();
  fresh->status = std::move(status);
  auto again = co_await client().update_status<appsv1::DaemonSet>(std::move(*fresh), stop);
  if (!again) co_return std::move(again).error();
  co_return Status();
}

}  // namespace kpp::controllers
