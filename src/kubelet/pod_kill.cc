// PodWorker: ending containers, and the pod.
#include <algorithm>
#include <set>

#include "async/time_limit.h"
#include "base/fs.h"
#include "kubelet/container/sandbox_config.h"
#include "kubelet/lifecycle_hooks.h"
#include "kubelet/pod_worker.h"
#include "kubelet/static/static_pod.h"

namespace kpp::kubelet {
namespace {

constexpr std::int64_t kLeastGrace = 2;  // so that a container has a chance whatever is asked

std::int64_t whole_seconds(Duration time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

}  // namespace

// The order in which containers of a pod stop: regular ones at once, then sidecars from the last to
// the first.
struct PodWorker::Stopping {
  explicit Stopping(async::Executor& executor) : changed(executor) {}
  std::set<std::string> running;  // ids
  std::map<std::string, int>
      rank;  // by id: 0 for regular containers, then 1, 2, ... for sidecars from the back
  async::Event changed;

  bool turn_of(const std::string& id) const {
    const int own = rank.at(id);
    return std::ranges::none_of(running, [&](const auto& other) { return rank.at(other) < own; });
  }
};

std::int64_t PodWorker::grace_seconds(const ContainerRecord& record, KillReason reason) const {
  std::int64_t grace = kLeastGrace;
  if (evicted_) return 1;
  if (pod_->metadata.deletion_grace_period_seconds) {
    grace = *pod_->metadata.deletion_grace_period_seconds;
  } else if (pod_->spec.termination_grace_period_seconds) {
    grace = *pod_->spec.termination_grace_period_seconds;
    const auto* spec = spec_of(record.name);
    const api::Opt<corev1::Probe>* probe = nullptr;
    if (spec && reason == KillReason::kStartupProbe) probe = &spec->startup_probe;
    if (spec && reason == KillReason::kLivenessProbe) probe = &spec->liveness_probe;
    if (probe && *probe && (*probe)->termination_grace_period_seconds)
      grace = *(*probe)->termination_grace_period_seconds;
  }
  return grace;
}

async::Task<void> PodWorker::kill_container(ContainerRecord record, std::string message,
                                            std::int64_t grace, std::shared_ptr<Stopping> order,
                                            async::StopToken stop) {
  const PodRef pod = pod_;
  if (message.empty()) message = cat("Stopping container ", record.name);
  pod_event(deps_, *pod, record.name, "Normal", "Killing", message);
  const TimePoint deadline = deps_.executor.steady() + std::chrono::seconds(grace);

  const auto* spec = spec_of(record.name);
  if (spec && spec->lifecycle && spec->lifecycle->pre_stop && grace > 0) {
    const corev1::Container container = *spec;
    const PodFacts known = facts();
    const std::string ip = known.pod_ips.empty() ? std::string() : known.pod_ips.front();
    // The hook has the grace period, no more.
    const async::TimeLimit limit(deps_.executor, deadline - deps_.executor.steady(), stop);
    const Status hook = co_await run_hook(deps_, pod, container, record.id, ip,
                                          *container.lifecycle->pre_stop, limit.token());
    if (!hook.ok() && !stop.stop_requested() && !limit.passed()) {
      pod_event(deps_, *pod, record.name, "Warning", "FailedPreStopHook", "PreStopHook failed");
    }
  }
  while (order && !order->turn_of(record.id) && deps_.executor.steady() < deadline &&
         !stop.stop_requested()) {
    co_await order->changed.wait_for(deadline - deps_.executor.steady(), stop);
  }
  if (stop.stop_requested()) co_return;
  const std::int64_t left =
      std::max(whole_seconds(deadline - deps_.executor.steady()), kLeastGrace);
  const Status stopped = co_await deps_.runtime.stop_container(record.id, left, stop);
  if (!stopped.ok() && !stopped.is(Reason::kNotFound) && !stop.stop_requested()) {
    deps_.log.warning("Failed to stop a container",
                      {kv("pod", api::key_of(*pod).to_string()), kv("container", record.name),
                       kv("err", stopped.to_string())});
    wake_at(deps_.executor.steady() + std::chrono::seconds(1));
    co_return;
  }
  if (order) {
    order->running.erase(record.id);
    order->changed.pulse();
  }
}

async::Task<void> PodWorker::stop_everything(async::StopToken stop) {
  const auto order = std::make_shared<Stopping>(deps_.executor);
  std::vector<async::Task<void>> kills;
  const auto& inits = pod_->spec.init_containers;
  last_grace_ = 0;
  std::vector<ContainerRecord> running;
  for (const auto& record : runtime_.containers) {
    if (record.state != cri::CONTAINER_RUNNING && record.state != cri::CONTAINER_UNKNOWN) continue;
    int rank = 0;
    for (std::size_t i = 0; i < inits.size(); ++i) {
      if (inits[i].name == record.name && is_restartable_init(inits[i]))
        rank = static_cast<int>(inits.size() - i);
    }
    order->running.insert(record.id);
    order->rank[record.id] = rank;
    running.push_back(record);
  }
  for (auto& record : running) {
    std::int64_t grace = grace_seconds(record, KillReason::kOther);
    // Whoever took a pod out of the API does not wait for it; the file of a static pod says
    // nothing.
    if (!in_api_ && !is_static(*pod_)) grace = 1;
    grace = std::max<std::int64_t>(grace, 1);
    last_grace_ = std::max(last_grace_, grace);
    kills.push_back(kill_container(std::move(record), {}, grace, order, stop));
  }
  if (!kills.empty()) co_await async::all(deps_.executor, std::move(kills));
  if (stop.stop_requested()) co_return;
  co_await stop_sandboxes(stop);
}

async::Task<bool> PodWorker::stop_sandboxes(async::StopToken stop) {
  bool all = true;
  std::vector<std::string> ready;
  for (const auto& sandbox : runtime_.sandboxes) {
    if (sandbox.ready) ready.push_back(sandbox.id);
  }
  for (const auto& id : ready) {
    const Status stopped = co_await deps_.runtime.stop_sandbox(id, stop);
    if (stopped.ok() || stopped.is(Reason::kNotFound)) continue;
    all = false;
    if (stop.stop_requested()) co_return false;
    pod_event(
        deps_, *pod_, {}, "Warning", "FailedKillPod",
        cat("error killing pod: failed to \"KillPodSandbox\" for ", quoted(pod_->metadata.uid),
            " with KillPodSandboxError: ", quoted(rpc_error_text(stopped))));
  }
  co_return all;
}

async::Task<void> PodWorker::terminate(async::StopToken stop) {
  prober_.stop_restarting_probes();
  if (in_api_) publish(false);
  co_await stop_everything(stop);
  if (stop.stop_requested()) {
    wake_.set();  // the grace period became shorter: once more, with that
    co_return;
  }
  const bool read = co_await reload(stop);
  if (!read) co_return;
  const bool sandbox_left = std::ranges::any_of(runtime_.sandboxes, &SandboxRecord::ready);
  if (runtime_.any_running() || sandbox_left) {
    wake_at(deps_.executor.steady() + std::chrono::seconds(1));
    co_return;
  }
  prober_.sync(pod_, runtime_, status_.latest());
  publish(true);
  corev1::PodStatus last = status_.latest();
  finish_status(*pod_, last);
  status_.set(std::move(last));
  state_ = State::kTerminated;
}

async::Task<void> PodWorker::finish(async::StopToken stop) {
  if (!reclaimed_) {
    const Status unmounted = co_await PodVolumes::tear_down(
        deps_.executor, deps_.pool, pod_directory(deps_.options, pod_->metadata.uid));
    if (!unmounted.ok()) {
      deps_.log.warning(
          "Failed to remove a pod's volumes",
          {kv("pod", api::key_of(*pod_).to_string()), kv("err", unmounted.to_string())});
      wake_at(deps_.executor.steady() + std::chrono::seconds(1));
      co_return;
    }
    (void)co_await deps_.cgroups.remove(pod_);
    deps_.objects.forget(pod_->metadata.uid);
    deps_.tokens.forget(pod_->metadata.uid);
    deps_.images.forget(pod_->metadata.uid);
    deps_.allocations.forget(pod_->metadata.uid);
    reclaimed_ = true;
  }
  if (in_api_ && pod_->metadata.deletion_timestamp) {
    // The new generation is part of the last word.
    corev1::PodStatus last = status_.latest();
    last.observed_generation = pod_->metadata.generation;
    for (auto& c : last.conditions) {
      if (c.observed_generation != 0) c.observed_generation = pod_->metadata.generation;
    }
    status_.set(std::move(last));
    const bool written = co_await status_.flushed(stop);
    if (!written) co_return;
    client::DeleteQuery query;
    query.grace_period_seconds = 0;
    query.uid = pod_->metadata.uid;
    const Status deleted =
        co_await deps_.client.remove<corev1::Pod>(api::key_of(*pod_), query, stop);
    if (deleted.ok() || deleted.is(Reason::kNotFound) || deleted.is(Reason::kConflict)) {
      if (!deleted.ok()) in_api_ = false;
    } else if (!stop.stop_requested()) {
      deps_.log.warning(
          "Failed to delete a pod that has ended",
          {kv("pod", api::key_of(*pod_).to_string()), kv("err", deleted.to_string())});
      wake_at(deps_.executor.steady() + std::chrono::seconds(1));
    }
  }
  if (in_api_) co_return;
  co_await clean_runtime(stop);
}

async::Task<void> PodWorker::clean_runtime(async::StopToken stop) {
  const bool read = co_await reload(stop);
  if (!read) co_return;
  std::vector<std::string> containers, sandboxes, links;
  for (const auto& c : runtime_.containers) {
    containers.push_back(c.id);
    links.push_back(cat(deps_.options.container_log_dir, "/", pod_->metadata.name, "_",
                        pod_->metadata.namespace_, "_", c.name, "-", c.id, ".log"));
  }
  for (const auto& s : runtime_.sandboxes) sandboxes.push_back(s.id);
  for (const auto& id : containers) (void)co_await deps_.runtime.remove_container(id, stop);
  for (const auto& id : sandboxes) {
    const Status removed = co_await deps_.runtime.remove_sandbox(id, stop);
    if (removed.ok() || removed.is(Reason::kNotFound) || stop.stop_requested()) continue;
    deps_.log.warning("Failed to remove a sandbox",
                      {kv("sandbox", id), kv("err", removed.to_string())});
    wake_at(deps_.executor.steady() + std::chrono::seconds(1));
    co_return;
  }
  (void)co_await async::offload(
      deps_.executor, deps_.pool,
      [logs = pod_log_directory(deps_.options, *pod_), links = std::move(links)] {
        for (const auto& link : links) (void)fs::remove_all(link);
        return fs::remove_all(logs);
      });
  state_ = State::kDone;
}

}  // namespace kpp::kubelet
