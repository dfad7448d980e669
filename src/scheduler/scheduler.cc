#include "scheduler/scheduler.h"

#include "codec/json.h"
#include "scheduler/state.h"

namespace kpp::scheduler {

namespace {

// Decisions between two looks at what else the executor has to do.
constexpr int kDecisionsAtOnce = 16;

client::ListQuery unfinished_pods() {
  client::ListQuery query;
  query.field_selector = "status.phase!=Succeeded,status.phase!=Failed";
  return query;
}

const corev1::PodCondition* scheduled_condition(const corev1::Pod& pod) {
  for (const auto& condition : pod.status.conditions) {
    if (condition.type == "PodScheduled") return &condition;
  }
  return nullptr;
}

QueueOptions queue_options(const SchedulerOptions& options) {
  return {options.pod_initial_backoff, options.pod_max_backoff, options.pod_max_in_unschedulable};
}

}  // namespace

Scheduler::State::State(SchedulerDeps d, SchedulerOptions o)
    : deps(std::move(d)),
      options(std::move(o)),
      queue(deps.executor, queue_options(options)),
      cycle(options.percentage_of_nodes_to_score),
      events(deps.executor, deps.client, deps.log, options.scheduler_name,
             options.identity.empty() ? options.scheduler_name : options.identity),
      pods(deps.executor, deps.client, deps.log, {}, unfinished_pods()),
      nodes(deps.executor, deps.client, deps.log),
      namespaces(deps.executor, deps.client, deps.log),
      claims(deps.executor, deps.client, deps.log),
      volumes(deps.executor, deps.client, deps.log),
      classes(deps.executor, deps.client, deps.log),
      node_limits(deps.executor, deps.client, deps.log),
      budgets(deps.executor, deps.client, deps.log),
      services(deps.executor, deps.client, deps.log),
      replication_controllers(deps.executor, deps.client, deps.log),
      replica_sets(deps.executor, deps.client, deps.log),
      stateful_sets(deps.executor, deps.client, deps.log),
      binds(deps.executor, options.parallel_binds),
      storage_changed(deps.executor),
      scope(deps.executor) {}

void Scheduler::State::start() {
  nodes.start();
  pods.start();
  namespaces.start();
  claims.start();
  volumes.start();
  classes.start();
  node_limits.start();
  budgets.start();
  services.start();
  replication_controllers.start();
  replica_sets.start();
  stateful_sets.start();
}

// A decision before everything is known could be a wrong one.
async::Task<bool> Scheduler::State::wait_synced(async::StopToken stop) {
  bool all = co_await nodes.wait_synced(stop);
  if (all) all = co_await pods.wait_synced(stop);
  if (all) all = co_await namespaces.wait_synced(stop);
  if (all) all = co_await claims.wait_synced(stop);
  if (all) all = co_await volumes.wait_synced(stop);
  if (all) all = co_await classes.wait_synced(stop);
  if (all) all = co_await node_limits.wait_synced(stop);
  if (all) all = co_await budgets.wait_synced(stop);
  if (all) all = co_await services.wait_synced(stop);
  if (all) all = co_await replication_controllers.wait_synced(stop);
  if (all) all = co_await replica_sets.wait_synced(stop);
  if (all) all = co_await stateful_sets.wait_synced(stop);
  co_return all;
}

async::Task<void> Scheduler::State::stop_informers() {
  co_await stateful_sets.stop();
  co_await replica_sets.stop();
  co_await replication_controllers.stop();
  co_await services.stop();
  co_await budgets.stop();
  co_await node_limits.stop();
  co_await classes.stop();
  co_await volumes.stop();
  co_await claims.stop();
  co_await namespaces.stop();
  co_await pods.stop();
  co_await nodes.stop();
}

Scheduler::Scheduler(SchedulerDeps deps, SchedulerOptions options)
    : state_(std::make_unique<State>(std::move(deps), std::move(options))) {
  state_->add_handlers();
}

Scheduler::~Scheduler() = default;

void Scheduler::start() {
  state_->start();
  state_->events.start();
  state_->scope.spawn(state_->run(state_->scope.stop_token()));
}

async::Task<void> Scheduler::stop() {
  state_->scope.request_stop();
  co_await state_->scope.join();
  co_await state_->events.stop();
  co_await state_->stop_informers();
}

async::Task<void> Scheduler::State::run(async::StopToken stop) {
  const bool known = co_await wait_synced(stop);
  if (!known) co_return;
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
  Decision decision = cycle.decide(*pod.pod, cache);
  if (decision.node.empty()) {
    binds.release();
    refuse(std::move(pod), std::move(decision));
    return;
  }
  cache.assume(pod.pod, decision.node);
  cache.drop_nomination(pod.pod->key());
  cache.storage().assume(decision.volumes);
  wake_those_looking_at(*pod.pod);
  scope.spawn(bind(std::move(pod), decision.node, std::move(decision.volumes), scope.stop_token()));
}

void Scheduler::State::refuse(QueuedPod pod, Decision decision) {
  const PodRef object = pod.pod->pod;
  const auto key = pod.pod->key();
  events.record(*object, "Warning", "FailedScheduling", "Scheduling", decision.message);
  std::optional<std::string> nominated;
  if (!decision.nominated.empty()) {
    nominated = decision.nominated;
    cache.nominate(pod.pod, decision.nominated);
    take_nominations_from_lower(*pod.pod, decision.nominated);
  } else if (decision.drop_nomination) {
    nominated = "";
    cache.drop_nomination(key);
  }
  // The informer may know a newer state than the pod that was tried.
  auto latest = pods.get(key);
  if (!latest || latest->metadata.uid != object->metadata.uid) latest = object;
  const auto* now = scheduled_condition(*latest);
  const bool written = now != nullptr && now->status == "False" && now->reason == "Unschedulable" &&
                       now->message == decision.message &&
                       (!nominated || *nominated == latest->status.nominated_node_name);
  if (!written) {
    scope.spawn(write_condition(std::move(latest), "Unschedulable", decision.message,
                                std::move(nominated), scope.stop_token()));
  }
  pod.refused_by = decision.refused_by;
  queue.unschedulable(std::move(pod));
  for (const auto& victim : decision.victims)
    scope.spawn(evict(victim->pod, object, decision.nominated, scope.stop_token()));
}

async::Task<void> Scheduler::State::write_condition(PodRef pod, std::string reason,
                                                    std::string message,
                                                    std::optional<std::string> nominated,
                                                    async::StopToken stop) {
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
  json::Object status{{"conditions", json::Array{std::move(condition)}}};
  if (nominated) {
    status["nominatedNodeName"] =
        nominated->empty() ? json::Value(nullptr) : json::Value(*nominated);
  }
  json::Object patch{{"metadata", json::Object{{"uid", pod->metadata.uid}}},
                     {"status", std::move(status)}};
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
