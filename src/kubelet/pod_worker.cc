#include "kubelet/pod_worker.h"

#include "kubelet/container/resources.h"

namespace kpp::kubelet {
namespace {

// Of the node, what volumes ask for.
corev1::Node node_view(const PodDeps& deps) {
  corev1::Node out;
  out.metadata.name = deps.options.node_name;
  if (deps.node_labels) out.metadata.labels = deps.node_labels();
  return out;
}

}  // namespace

PodWorker::PodWorker(const PodDeps& deps, PodRef pod,
                     std::function<void(const std::string& uid)> done)
    : deps_(deps),
      desired_(pod),
      pod_(std::move(pod)),
      done_(std::move(done)),
      seen_(api::MicroTime::from(deps.executor.wall()).to_string()),
      status_(deps.executor, deps.client, deps.log, *pod_),
      volumes_(deps.executor, deps.pool, deps.client, {deps.objects, deps.tokens},
               cat(deps.options.root_dir, "/pods/", pod_->metadata.uid),
               {[&deps] { return node_view(deps); }, deps.node.memory_capacity}),
      prober_(deps_, [this] { poke(); }),
      wake_(deps.executor),
      scope_(deps.executor) {}

PodWorker::~PodWorker() = default;

void PodWorker::refuse(StartError why) {
  pod_event(deps_, *pod_, {}, "Warning", why.reason, why.message);
  corev1::PodStatus status;
  status.phase = "Failed";
  status.reason = std::move(why.reason);
  status.message = cat("Pod was rejected: ", why.message);
  status.qos_class = std::string(qos_text(qos_class(*pod_)));
  status.start_time = api::Time::from(deps_.executor.wall());
  status.observed_generation = pod_->metadata.generation;
  status_.set(std::move(status));
  state_ = State::kTerminated;
}

void PodWorker::start() {
  // Refused before the kubelet was started again: no container was ever made.
  if (is_terminal_phase(pod_->status.phase) && pod_->status.container_statuses.empty())
    state_ = State::kTerminated;
  if (state_ == State::kSyncing) adopt(desired_);
  deps_.objects.set_references(pod_->metadata.uid, *pod_);
  status_.start();
  scope_.spawn(run());
}

void PodWorker::poke() { wake_.set(); }

void PodWorker::update(PodRef pod) {
  const bool spec_changed = pod->metadata.generation != pod_->metadata.generation;
  const bool deleted_now = pod->metadata.deletion_timestamp && !pod_->metadata.deletion_timestamp;
  const std::int64_t grace = pod->metadata.deletion_grace_period_seconds.value_or(-1);
  const bool labels_changed = pod->metadata.labels != pod_->metadata.labels ||
                              pod->metadata.annotations != pod_->metadata.annotations;
  adopt(std::move(pod));
  if (spec_changed) deps_.objects.set_references(pod_->metadata.uid, *pod_);
  const bool shorter =
      state_ == State::kTerminating && grace >= 0 && last_grace_ >= 0 && grace < last_grace_;
  // What is under way must not hold up the end of the pod.
  if ((deleted_now && state_ == State::kSyncing) || shorter) round_.request_stop();
  if (spec_changed || labels_changed || deleted_now || shorter) poke();
}

void PodWorker::evict(std::string why) {
  if (state_ != State::kSyncing || failure_) return;
  deps_.log.info("Evicting a pod", {kv("pod", api::key_of(*pod_).to_string()), kv("why", why)});
  pod_event(deps_, *pod_, {}, "Warning", "Evicted", why);
  failure_ = StartError{"Evicted", std::move(why)};
  evicted_ = true;
  round_.request_stop();
  poke();
}

void PodWorker::mirrored(const corev1::Pod& mirror) {
  status_.retarget(mirror.metadata.uid, mirror.status);
}

void PodWorker::removed() {
  in_api_ = false;
  if (state_ == State::kSyncing) round_.request_stop();
  poke();
}

async::Task<void> PodWorker::run() {
  const async::StopToken stop = scope_.stop_token();
  while (!stop.stop_requested()) {
    wake_.reset();
    next_wake_.reset();
    round_ = async::StopSource();
    const State before = state_;
    switch (state_) {
      case State::kSyncing:
        co_await sync(round_.token());
        break;
      case State::kTerminating:
        co_await terminate(round_.token());
        break;
      case State::kTerminated:
        co_await finish(round_.token());
        break;
      case State::kDone:
        break;
    }
    if (state_ == State::kDone) {
      done_(pod_->metadata.uid);
      co_return;
    }
    if (state_ != before) continue;
    if (next_wake_) {
      const Duration wait = *next_wake_ - deps_.executor.steady();
      if (wait.count() > 0) co_await wake_.wait_for(wait, stop);
    } else {
      co_await wake_.wait(stop);
    }
  }
}

void PodWorker::wake_at(TimePoint when) {
  if (!next_wake_ || when < *next_wake_) next_wake_ = when;
}

PodFacts PodWorker::facts() const {
  PodFacts out;
  out.host_ips = deps_.node.host_ips;
  out.node_allocatable = deps_.node.allocatable;
  out.seen = seen_;
  if (pod_->spec.host_network) {
    out.pod_ips = out.host_ips;
  } else if (const auto* sandbox = runtime_.ready_sandbox()) {
    out.pod_ips = sandbox->ips;
  }
  return out;
}

const corev1::Container* PodWorker::spec_of(std::string_view name) const {
  for (const auto* list : {&pod_->spec.containers, &pod_->spec.init_containers}) {
    for (const auto& c : *list) {
      if (c.name == name) return &c;
    }
  }
  return nullptr;
}

async::Task<bool> PodWorker::reload(async::StopToken stop) {
  auto runtime = co_await read_pod_runtime(deps_.runtime, deps_.executor, deps_.pool,
                                           pod_->metadata.uid, stop);
  if (!runtime) {
    if (!stop.stop_requested()) {
      deps_.log.warning(
          "Failed to read a pod's state from the runtime",
          {kv("pod", api::key_of(*pod_).to_string()), kv("err", runtime.error().to_string())});
      wake_at(deps_.executor.steady() + std::chrono::seconds(1));
    }
    co_return false;
  }
  runtime_ = std::move(*runtime);
  co_return true;
}

std::string PodWorker::publish(bool terminal) {
  const StatusInput input{*pod_,
                          runtime_,
                          status_.latest(),
                          start_errors_,
                          prober_.results(),
                          deps_.node.host_ips,
                          terminal,
                          failure_ ? &*failure_ : nullptr,
                          deps_.allocations,
                          resize_conditions(),
                          deps_.executor.wall()};
  corev1::PodStatus status = make_pod_status(input);
  std::string phase = status.phase;
  if (!terminal) hold_back_terminal_phase(status, status_.latest());
  status_.set(std::move(status));
  return phase;
}

async::Task<void> PodWorker::stop() {
  round_.request_stop();
  scope_.request_stop();
  co_await scope_.join();
  co_await prober_.stop();
  co_await status_.stop();
}

}  // namespace kpp::kubelet
