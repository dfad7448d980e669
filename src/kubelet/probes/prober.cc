#include "kubelet/probes/prober.h"

#include <algorithm>
#include <array>

#include "kubelet/status/pod_status.h"

namespace kpp::kubelet {
namespace {

// A program needs a moment before it answers, and who is found not ready at once waits for a whole
// period.
constexpr std::chrono::milliseconds kSettling{500};

std::string_view kind_name(int kind) {
  constexpr std::array kNames{"Startup", "Liveness", "Readiness"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace

Prober::Prober(const PodDeps& deps, std::function<void()> changed)
    : deps_(deps), changed_(std::move(changed)), scope_(deps.executor) {}

Prober::~Prober() = default;

std::optional<bool>& Prober::slot(const std::string& id, Kind kind) {
  auto& results = results_[id];
  switch (kind) {
    case Kind::kStartup:
      return results.startup;
    case Kind::kLiveness:
      return results.liveness;
    case Kind::kReadiness:
      return results.readiness;
  }
  return results.readiness;
}

bool Prober::started(const std::string& id, const corev1::Container& container) const {
  if (!container.startup_probe) return true;
  const auto it = results_.find(id);
  return it != results_.end() && it->second.startup == true;
}

void Prober::sync(PodRef pod, const PodRuntime& runtime, const corev1::PodStatus& previous) {
  std::set<std::string> alive;
  const std::string pod_ip =
      pod->spec.host_network
          ? (deps_.node.host_ips.empty() ? std::string() : deps_.node.host_ips.front())
          : (runtime.ready_sandbox() && !runtime.ready_sandbox()->ips.empty()
                 ? runtime.ready_sandbox()->ips.front()
                 : std::string());
  const auto look = [&](const corev1::Container& c,
                        const std::vector<corev1::ContainerStatus>& before) {
    const ContainerRecord* record = runtime.find(c.name);
    if (record == nullptr || record->state != cri::CONTAINER_RUNNING) return;
    alive.insert(record->id);
    const auto* status = find_status(before, c.name);
    const bool known = status && status->container_id == runtime.api_id(record->id);
    if (c.readiness_probe && !results_[record->id].readiness) {
      results_[record->id].readiness = known && status->ready;
    }
    if (c.startup_probe && !results_[record->id].startup && known &&
        status->started.value_or(false)) {
      results_[record->id].startup = true;
    }
    if (c.startup_probe) start(pod, c, *record, pod_ip, Kind::kStartup, *c.startup_probe);
    if (c.liveness_probe) start(pod, c, *record, pod_ip, Kind::kLiveness, *c.liveness_probe);
    if (c.readiness_probe) start(pod, c, *record, pod_ip, Kind::kReadiness, *c.readiness_probe);
  };
  for (const auto& c : pod->spec.containers) look(c, previous.container_statuses);
  for (const auto& c : pod->spec.init_containers) {
    if (is_restartable_init(c)) look(c, previous.init_container_statuses);
  }
  for (auto& [key, running] : running_) {
    if (!alive.contains(key.first)) running.stop.request_stop();
  }
  std::erase_if(running_, [&](const auto& item) { return !alive.contains(item.first.first); });
  std::erase_if(results_, [&](const auto& item) { return !alive.contains(item.first); });
}

void Prober::start(PodRef pod, const corev1::Container& container, const ContainerRecord& record,
                   const std::string& pod_ip, Kind kind, const corev1::Probe& probe) {
  const auto [it, added] = running_.try_emplace({record.id, kind});
  if (!added) return;
  scope_.spawn(run(std::move(pod), container, {record.id, pod_ip}, kind, probe, record.started_at,
                   it->second.stop.token()));
}

async::Task<ProbeAnswer> Prober::ask(PodRef pod, corev1::Container container, ProbeTarget target,
                                     Kind kind, corev1::Probe probe, async::StopToken stop) {
  constexpr int kTries = 3;
  ProbeAnswer answer;
  for (int i = 0; i < kTries; ++i) {
    answer = co_await run_probe(deps_.runtime, deps_.dialer, probe, container, target, stop);
    if (answer.outcome != ProbeOutcome::kUnknown || stop.stop_requested()) break;
  }
  if (stop.stop_requested()) co_return answer;
  const std::string_view name = kind_name(static_cast<int>(kind));
  switch (answer.outcome) {
    case ProbeOutcome::kSuccess:
      break;
    case ProbeOutcome::kWarning:
      pod_event(deps_, *pod, container.name, "Warning", "ProbeWarning",
                cat(name, " probe warning: ", answer.output));
      break;
    case ProbeOutcome::kFailure:
      pod_event(deps_, *pod, container.name, "Warning", "Unhealthy",
                cat(name, " probe failed: ", answer.output));
      break;
    case ProbeOutcome::kUnknown:
      if (ending_) break;  // the container may be gone under the probe's hands
      pod_event(deps_, *pod, container.name, "Warning", "Unhealthy",
                cat(name, " probe errored and resulted in unknown state: ", answer.output));
      break;
  }
  co_return answer;
}

async::Task<void> Prober::run(PodRef pod, corev1::Container container, ProbeTarget target,
                              Kind kind, corev1::Probe probe, std::int64_t started_at,
                              async::StopToken stop) {
  const auto period = std::chrono::seconds(std::max(probe.period_seconds, 1));
  Duration delay = std::chrono::seconds(probe.initial_delay_seconds);
  if (kind == Kind::kReadiness) delay = std::max<Duration>(delay, kSettling);
  const WallTime first = WallTime(Duration(started_at)) + delay;
  const std::string id = target.container_id;
  bool last = false;
  int run_length = 0;
  if (const Duration wait = first - deps_.executor.wall(); wait.count() > 0) {
    const bool go = co_await async::sleep_for(deps_.executor, wait, stop);
    if (!go) co_return;
  }
  while (!stop.stop_requested()) {
    const bool is_started = started(id, container);
    if (kind == Kind::kStartup && is_started) co_return;
    if (kind == Kind::kStartup || is_started) {
      const ProbeAnswer answer = co_await ask(pod, container, target, kind, probe, stop);
      if (stop.stop_requested()) co_return;
      if (answer.outcome != ProbeOutcome::kUnknown) {
        const bool good = answer.outcome != ProbeOutcome::kFailure;
        run_length = good == last ? run_length + 1 : 1;
        last = good;
        const int threshold =
            good ? std::max(probe.success_threshold, 1) : std::max(probe.failure_threshold, 1);
        std::optional<bool>& result = slot(id, kind);
        if (run_length >= threshold && result != good) {
          result = good;
          changed_();
        }
        if (run_length >= threshold && !good && kind != Kind::kReadiness) co_return;
      }
    }
    // Waiting for the startup probe must not cost a whole period.
    const bool soon = kind != Kind::kStartup && !is_started;
    const Duration wait =
        soon ? std::min<Duration>(period, std::chrono::seconds(1)) : Duration(period);
    const bool go = co_await async::sleep_for(deps_.executor, wait, stop);
    if (!go) co_return;
  }
}

void Prober::stop_restarting_probes() {
  ending_ = true;
  for (auto& [key, running] : running_) {
    if (key.second != Kind::kReadiness) running.stop.request_stop();
  }
}

async::Task<void> Prober::stop() {
  for (auto& [key, running] : running_) running.stop.request_stop();
  scope_.request_stop();
  co_await scope_.join();
}

}  // namespace kpp::kubelet
