#include "scheduler/scheduler.h"

#include <algorithm>
#include <optional>

#include "api/json_codec.h"
#include "async/wait.h"
#include "client/informer.h"
#include "codec/json.h"
#include "scheduler/cache.h"
#include "scheduler/cycle.h"
#include "scheduler/events.h"
#include "scheduler/queue.h"

namespace kpp::scheduler {

namespace {

// Decisions between two looks at what else the executor has to do.
constexpr int kDecisionsAtOnce = 16;

bool finished(const corev1::Pod& pod) {
  return pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
}

client::ListQuery unfinished_pods() {
  client::ListQuery query;
  query.field_selector = "status.phase!=Succeeded,status.phase!=Failed";
  return query;
}

// No decision looks at what a container runs and sees; of a pod in memory it is the greater part.
void trim_container(corev1::Container& container) {
  container.command = {};
  container.args = {};
  container.env = {};
  container.env_from = {};
  container.volume_mounts = {};
  container.liveness_probe.reset();
  container.readiness_probe.reset();
  container.startup_probe.reset();
  container.lifecycle.reset();
}

void trim_pod(corev1::Pod& pod) {
  for (auto& container : pod.spec.containers) trim_container(container);
  for (auto& container : pod.spec.init_containers) trim_container(container);
}

// Whether a pod's change may change the decision about it.
bool same_demands(const corev1::Pod& a, const corev1::Pod& b) {
  return a.metadata.labels == b.metadata.labels && api::equal(a.spec, b.spec);
}

const corev1::PodCondition* scheduled_condition(const corev1::Pod& pod) {
  for (const auto& condition : pod.status.conditions) {
    if (condition.type == "PodScheduled") return &condition;
  }
  return nullptr;
}

// Which plugins' refusals a node's change may lift.
std::uint32_t helped_by(const corev1::Node& before, const corev1::Node& after) {
  std::uint32_t out = 0;
  if (before.status.allocatable != after.status.allocatable) out |= kNodeResourcesFitBit;
  if (before.metadata.labels != after.metadata.labels) out |= kNodeAffinityBit;
  if (before.spec.unschedulable && !after.spec.unschedulable) out |= kNodeUnschedulableBit;
  const auto& old_taints = before.spec.taints;
  const auto& taints = after.spec.taints;
  const bool same =
      old_taints.size() == taints.size() &&
      std::equal(taints.begin(), taints.end(), old_taints.begin(),
                 [](const auto& a, const auto& b) {
                   return a.key == b.key && a.value == b.value && a.effect == b.effect;
                 });
  if (!same) out |= kTaintTolerationBit;
  return out;
}

QueueOptions queue_options(const SchedulerOptions& options) {
  return {options.pod_initial_backoff, options.pod_max_backoff, options.pod_max_in_unschedulable};
}

}  // namespace

struct Scheduler::State {
  State(SchedulerDeps d, SchedulerOptions o)
      : deps(std::move(d)),
        options(std::move(o)),
        queue(deps.executor, queue_options(options)),
        cycle(options.percentage_of_nodes_to_score),
        events(deps.executor, deps.client, deps.log, options.scheduler_name,
               options.identity.empty() ? options.scheduler_name : options.identity),
        pods(deps.executor, deps.client, deps.log, {}, unfinished_pods()),
        nodes(deps.executor, deps.client, deps.log),
        binds(deps.executor, options.parallel_binds),
        scope(deps.executor) {}

  void pod_changed(const PodRef& before, const PodRef& after);
  void node_changed(const NodeRef& before, const NodeRef& after);
  void pod_waits(const PodRef& pod);
  void pod_left(const api::ObjectKey& key);

  async::Task<void> run(async::StopToken stop);
  void schedule(QueuedPod pod);
  void refuse(QueuedPod pod, const Decision& decision);
  async::Task<void> bind(QueuedPod pod, std::string node, async::StopToken stop);
  async::Task<void> write_condition(PodRef pod, std::string reason, std::string message,
                                    async::StopToken stop);

  SchedulerDeps deps;
  const SchedulerOptions options;
  Cache cache;
  Queue queue;
  Cycle cycle;
  Events events;
  client::Informer<corev1::Pod> pods;
  client::Informer<corev1::Node> nodes;
  async::Semaphore binds;
  async::Scope scope;
};

Scheduler::Scheduler(SchedulerDeps deps, SchedulerOptions options)
    : state_(std::make_unique<State>(std::move(deps), std::move(options))) {
  State* state = state_.get();
  state->pods.set_trim(trim_pod);
  state->pods.add_handler(
      [state](const PodRef& before, const PodRef& after) { state->pod_changed(before, after); });
  state->nodes.add_handler(
      [state](const NodeRef& before, const NodeRef& after) { state->node_changed(before, after); });
}

Scheduler::~Scheduler() = default;

void Scheduler::start() {
  state_->nodes.start();
  state_->pods.start();
  state_->events.start();
  state_->scope.spawn(state_->run(state_->scope.stop_token()));
}

async::Task<void> Scheduler::stop() {
  state_->scope.request_stop();
  co_await state_->scope.join();
  co_await state_->events.stop();
  co_await state_->pods.stop();
  co_await state_->nodes.stop();
}

void Scheduler::State::pod_changed(const PodRef& before, const PodRef& after) {
  const auto key = api::key_of(after ? *after : *before);
  // A pod of the same name with another uid is another pod.
  if (before && after && before->metadata.uid != after->metadata.uid) pod_left(key);
  if (!after || finished(*after)) {
    pod_left(key);
    return;
  }
  if (after->spec.node_name.empty()) {
    const bool news =
        !before || before->metadata.uid != after->metadata.uid || !same_demands(*before, *after);
    if (news || after->metadata.deletion_timestamp) pod_waits(after);
    return;
  }
  queue.remove(key);
  if (before && !before->spec.node_name.empty() && api::equal(before->spec, after->spec) &&
      cache.holds(key) && !cache.is_assumed(key)) {
    return;  // only its status
  }
  const bool resized = before && !before->spec.node_name.empty();
  cache.add_pod(std::make_shared<const PodInfo>(after));
  if (resized) queue.move(kNodeResourcesFitBit);
}

void Scheduler::State::pod_waits(const PodRef& pod) {
  if (pod->spec.scheduler_name != options.scheduler_name || pod->metadata.deletion_timestamp) {
    queue.remove(api::key_of(*pod));
    return;
  }
  if (cache.is_assumed(api::key_of(*pod))) return;  // its binding is under way
  queue.put(std::make_shared<const PodInfo>(pod));
}

void Scheduler::State::pod_left(const api::ObjectKey& key) {
  queue.remove(key);
  if (!cache.holds(key)) return;
  cache.remove_pod(key);
  queue.move(kNodeResourcesFitBit | kNodePortsBit);
}

void Scheduler::State::node_changed(const NodeRef& before, const NodeRef& after) {
  if (!after) {
    cache.remove_node(before->metadata.name);
    return;
  }
  if (!before) {
    cache.set_node(after);
    queue.move(kAllPluginBits);
    return;
  }
  const auto helped = helped_by(*before, *after);
  cache.set_node(after);
  if (helped != 0) queue.move(helped);
}

async::Task<void> Scheduler::State::run(async::StopToken stop) {
  const bool nodes_known = co_await nodes.wait_synced(stop);
  if (!nodes_known) co_return;
  const bool pods_known = co_await pods.wait_synced(stop);
  if (!pods_known) co_return;
  deps.log.info("Scheduling", {kv("nodes", nodes.size()), kv("pods", pods.size())});
  int decisions = 0;
  while (!stop.stop_requested()) {
    const bool ready = co_await queue.wait(stop);
    if (!ready) co_return;
    const bool may_bind = co_await binds.acquire(stop);
    if (!may_bind) co_return;
    auto pod = queue.pop();
    if (pod) {
      schedule(std::move(*pod));
    } else {
      binds.release();
    }
    if (++decisions % kDecisionsAtOnce == 0) co_await async::yield(deps.executor);
  }
}

// Holds a permit of `binds`: passes it on to bind() or gives it back.
void Scheduler::State::schedule(QueuedPod pod) {
  const Decision decision = cycle.decide(*pod.pod, cache);
  if (decision.node.empty()) {
    binds.release();
    refuse(std::move(pod), decision);
    return;
  }
  cache.assume(pod.pod, decision.node);
  scope.spawn(bind(std::move(pod), decision.node, scope.stop_token()));
}

void Scheduler::State::refuse(QueuedPod pod, const Decision& decision) {
  const PodRef object = pod.pod->pod;
  events.record(*object, "Warning", "FailedScheduling", "Scheduling", decision.message);
  // The informer may know a newer state than the pod that was tried.
  auto latest = pods.get(pod.pod->key());
  if (!latest || latest->metadata.uid != object->metadata.uid) latest = object;
  const auto* now = scheduled_condition(*latest);
  const bool written = now != nullptr && now->status == "False" && now->reason == "Unschedulable" &&
                       now->message == decision.message;
  if (!written) {
    scope.spawn(
        write_condition(std::move(latest), "Unschedulable", decision.message, scope.stop_token()));
  }
  pod.refused_by = decision.refused_by;
  queue.unschedulable(std::move(pod));
}

async::Task<void> Scheduler::State::bind(QueuedPod pod, std::string node, async::StopToken stop) {
  const PodRef object = pod.pod->pod;
  const auto key = api::key_of(*object);
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
  binds.release();
  if (response) {
    deps.log.debug(2, "Successfully bound pod to node", {kv("pod", key), kv("node", node)});
    events.record(*object, "Normal", "Scheduled", "Binding",
                  cat("Successfully assigned ", key, " to ", node));
    co_return;
  }
  if (stop.stop_requested()) co_return;
  cache.forget(key);
  queue.move(kNodeResourcesFitBit | kNodePortsBit);
  const auto latest = pods.get(key);
  if (!latest || latest->metadata.uid != object->metadata.uid || !latest->spec.node_name.empty())
    co_return;
  deps.log.warning("Binding refused",
                   {kv("pod", key), kv("node", node), kv("err", response.error())});
  events.record(
      *object, "Warning", "FailedScheduling", "Scheduling",
      cat("binding rejected: running Bind plugin \"DefaultBinder\": ", response.error().message()));
  // What has changed meanwhile is tried instead of what was refused.
  if (latest != object) pod.pod = std::make_shared<const PodInfo>(latest);
  if (!latest->metadata.deletion_timestamp) queue.retry(std::move(pod));
}

async::Task<void> Scheduler::State::write_condition(PodRef pod, std::string reason,
                                                    std::string message, async::StopToken stop) {
  const auto* before = scheduled_condition(*pod);
  const bool same_status = before != nullptr && before->status == "False";
  json::Object condition{
      {"type", "PodScheduled"},
      {"observedGeneration", pod->metadata.generation},
      {"status", "False"},
      {"lastProbeTime", nullptr},
      {"lastTransitionTime",
       same_status ? before->last_transition_time.to_string() : rfc3339(deps.executor.wall())},
      {"reason", std::move(reason)},
      {"message", std::move(message)}};
  json::Object patch{{"metadata", json::Object{{"uid", pod->metadata.uid}}},
                     {"status", json::Object{{"conditions", json::Array{std::move(condition)}}}}};
  std::string body = json::write(patch);
  auto patched =
      co_await deps.client.patch<corev1::Pod>(api::key_of(*pod), client::PatchType::kStrategicMerge,
                                              std::move(body), std::string("status"), stop);
  if (!patched && !stop.stop_requested() && !patched.error().is(Reason::kNotFound)) {
    deps.log.warning("Condition not written",
                     {kv("pod", api::key_of(*pod)), kv("err", patched.error())});
  }
}

}  // namespace kpp::scheduler
