// PodWorker: making the pod what it asks for.
#include <algorithm>

#include "base/fs.h"
#include "kubelet/container/container_config.h"
#include "kubelet/container/sandbox_config.h"
#include "kubelet/pod_worker.h"

namespace kpp::kubelet {
namespace {

constexpr Duration kFirstMountPause = std::chrono::milliseconds(500);
constexpr Duration kLongestMountPause = std::chrono::seconds(122);
constexpr Duration kShowBackOff = std::chrono::seconds(1);
constexpr Duration kRetryPause =
    std::chrono::seconds(5);  // after a sandbox or control group that could not be made

}  // namespace

bool PodWorker::deadline_over() {
  if (!pod_->spec.active_deadline_seconds || !status_.latest().start_time) return false;
  const auto deadline = std::chrono::seconds(*pod_->spec.active_deadline_seconds);
  const Duration passed = deps_.executor.wall() - status_.latest().start_time->wall();
  if (passed >= deadline) return true;
  wake_at(deps_.executor.steady() + (deadline - passed));
  return false;
}

async::Task<void> PodWorker::sync(async::StopToken stop) {
  const bool read = co_await reload(stop);
  const bool ending = !in_api_ || pod_->metadata.deletion_timestamp.has_value();
  if (!read) {
    if (ending && stop.stop_requested()) wake_.set();
    co_return;
  }
  prober_.sync(pod_, runtime_, status_.latest());
  if (ending) {
    publish(false);
    state_ = State::kTerminating;
    co_return;
  }
  if (deadline_over()) {
    constexpr const char* kWhy = "Pod was active on the node longer than the specified deadline";
    failure_ = StartError{"DeadlineExceeded", kWhy};
    pod_event(deps_, *pod_, {}, "Normal", "DeadlineExceeded", kWhy);
  }
  consider_resize();
  const std::string phase = publish(false);
  if (is_terminal_phase(phase)) {
    state_ = State::kTerminating;
    co_return;
  }

  const bool prepared = co_await prepare_node(stop);
  if (prepared) {
    SyncPlan plan = plan_sync(*pod_, runtime_, prober_.results());
    plan_resize_restarts(plan);
    const bool resizes = resize_started_ || resize_under_way();
    if (!plan.kill_pod) co_await actuate_resize(stop);
    bool acted = co_await apply_plan(std::move(plan), stop);
    acted = acted || resizes;
    if (acted && !stop.stop_requested()) {
      const bool again = co_await reload(stop);
      if (again) {
        prober_.sync(pod_, runtime_, status_.latest());
        end_resize();
        const std::string now = publish(false);
        if (is_terminal_phase(now)) wake_.set();
      }
    }
  }
  if (stop.stop_requested()) {
    wake_.set();
    co_return;
  }
  set_timers();
}

void PodWorker::set_timers() {
  const TimePoint now = deps_.executor.steady();
  (void)deadline_over();
  for (const auto* list : {&pod_->spec.init_containers, &pod_->spec.containers}) {
    for (const auto& c : *list) {
      if (!start_errors_.contains(c.name)) continue;
      const std::string& reason = start_errors_[c.name].reason;
      if (const auto at = deps_.images.retry_at(pod_->metadata.uid, c.image)) {
        // A pull that has just failed is shown to be in back-off soon, and is tried again when that
        // ends.
        wake_at(reason == "ErrImagePull" ? std::min(*at, now + kShowBackOff) : *at);
        continue;
      }
      if (reason == "CrashLoopBackOff") {
        const auto* record = runtime_.find(c.name);
        if (record == nullptr) continue;
        const Duration since = deps_.executor.wall() - WallTime(Duration(record->finished_at));
        wake_at(now + std::max<Duration>(crash_back_off_[c.name].wait - since,
                                         std::chrono::milliseconds(10)));
      } else if (reason == "RunContainerError" || reason == "PostStartHookError") {
        wake_at(now + std::chrono::seconds(1));  // its restart is the crash back-off's business
      } else {
        wake_at(now + std::chrono::seconds(10));
      }
    }
  }
  if (const auto at = deps_.tokens.refresh_at(pod_->metadata.uid)) {
    const Duration wait = *at - deps_.executor.wall();
    wake_at(now + std::max<Duration>(wait, std::chrono::seconds(10)));
  }
}

async::Task<bool> PodWorker::prepare_node(async::StopToken stop) {
  const PodRef pod = pod_;
  if (!node_prepared_) {
    const Status group = co_await deps_.cgroups.ensure(pod);
    if (!group.ok()) {
      pod_event(
          deps_, *pod, {}, "Warning", "FailedToCreatePodContainer",
          cat("unable to ensure pod container exists: failed to create container for [kubepods pod",
              pod->metadata.uid, "] : ", group.message()));
      wake_at(deps_.executor.steady() + kRetryPause);
      co_return false;
    }
    const Status made = co_await async::offload(
        deps_.executor, deps_.pool,
        [dir = pod_directory(deps_.options, pod->metadata.uid),
         logs = pod_log_directory(deps_.options, *pod)]() -> Status {
          KPP_RETURN_IF_ERROR(fs::make_directories(dir + "/volumes", 0750));
          KPP_RETURN_IF_ERROR(fs::make_directories(dir + "/containers", 0750));
          return fs::make_directories(logs, 0755);
        });
    if (!made.ok()) {
      pod_event(deps_, *pod, {}, "Warning", "Failed", cat("error: ", made.message()));
      wake_at(deps_.executor.steady() + kRetryPause);
      co_return false;
    }
    std::string resolv_conf =
        co_await async::offload(deps_.executor, deps_.pool, [path = deps_.options.resolv_conf] {
          return path.empty() ? std::string() : fs::read_file(path, 1 << 20).value_or("");
        });
    node_dns_ = parse_resolv_conf(resolv_conf);
    node_prepared_ = true;
  }
  const Status mounted = co_await volumes_.set_up(
      pod, facts(),
      [this, pod](std::string_view reason, std::string message) {
        pod_event(deps_, *pod, {}, "Warning", reason, std::move(message));
      },
      stop);
  if (stop.stop_requested()) co_return false;
  if (mounted.ok()) {
    mount_pause_ = Duration(0);
    co_return true;
  }
  mount_pause_ =
      mount_pause_.count() == 0 ? kFirstMountPause : std::min(mount_pause_ * 2, kLongestMountPause);
  wake_at(deps_.executor.steady() + mount_pause_);
  // Containers that run go on; a volume that cannot be refreshed does not stop them.
  co_return runtime_.any_running();
}

void PodWorker::show_sandbox_ready() {
  corev1::PodStatus status = status_.latest();
  for (auto& c : status.conditions) {
    if (c.type != "PodReadyToStartContainers" || c.status == "True") continue;
    c.status = "True";
    c.last_transition_time = api::Time::from(deps_.executor.wall());
  }
  status_.set(std::move(status));
}

cri::PodSandboxConfig PodWorker::sandbox_request(std::uint32_t attempt) const {
  return sandbox_config({*pod_, deps_.options, node_dns_, attempt, deps_.cgroups.parent_of(*pod_)});
}

async::Task<std::optional<SandboxRecord>> PodWorker::make_sandbox(std::uint32_t attempt,
                                                                  async::StopToken stop) {
  if (pod_->spec.host_users && !*pod_->spec.host_users) {
    pod_event(deps_, *pod_, {}, "Warning", "FailedCreatePodSandBox",
              "Failed to create pod sandbox: can't set `spec.hostUsers: false`, runtime does not "
              "support user namespaces");
    wake_at(deps_.executor.steady() + kRetryPause);
    co_return std::nullopt;
  }
  auto id = co_await deps_.runtime.run_sandbox(sandbox_request(attempt), std::string(), stop);
  if (stop.stop_requested()) co_return std::nullopt;
  if (!id) {
    pod_event(deps_, *pod_, {}, "Warning", "FailedCreatePodSandBox",
              cat("Failed to create pod sandbox: ", rpc_error_text(id.error())));
    wake_at(deps_.executor.steady() + kRetryPause);
    co_return std::nullopt;
  }
  show_sandbox_ready();
  auto status = co_await deps_.runtime.sandbox_status(*id, stop);
  if (!status) {
    if (!stop.stop_requested()) {
      pod_event(deps_, *pod_, {}, "Warning", "FailedPodSandBoxStatus",
                cat("Unable to get pod sandbox status: ", rpc_error_text(status.error())));
      wake_at(deps_.executor.steady() + kRetryPause);
    }
    co_return std::nullopt;
  }
  SandboxRecord out;
  out.id = *id;
  out.ready = true;
  out.attempt = attempt;
  out.created_at = status->created_at;
  out.host_network = pod_->spec.host_network;
  if (status->network) {
    if (!status->network->ip.empty()) out.ips.push_back(status->network->ip);
    for (const auto& ip : status->network->additional_ips) out.ips.push_back(ip.ip);
  }
  co_return out;
}

async::Task<bool> PodWorker::apply_plan(SyncPlan plan, async::StopToken stop) {
  bool acted = false;
  if (plan.kill_pod) {
    if (plan.create_sandbox && !runtime_.sandboxes.empty()) {
      pod_event(deps_, *pod_, {}, "Normal", "SandboxChanged",
                "Pod sandbox changed, it will be killed and re-created.");
    }
    acted = !runtime_.sandboxes.empty();
    co_await stop_everything(stop);
  } else {
    for (const auto& kill : plan.to_kill) {
      const auto* record = runtime_.by_id(kill.id);
      if (record == nullptr) continue;
      acted = true;
      const ContainerRecord copy = *record;
      const std::int64_t grace = grace_seconds(copy, kill.reason);
      co_await kill_container(copy, kill.message, grace, nullptr, stop);
    }
    if (!plan.to_kill.empty()) {
      const bool read = co_await reload(stop);
      if (!read) co_return acted;
    }
  }
  if (stop.stop_requested() || (plan.kill_pod && !plan.create_sandbox)) co_return acted;

  SandboxRecord sandbox;
  if (plan.create_sandbox) {
    acted = true;
    auto made = co_await make_sandbox(plan.attempt, stop);
    if (!made) co_return acted;
    sandbox = std::move(*made);
    runtime_.sandboxes.insert(runtime_.sandboxes.begin(), sandbox);
  } else {
    sandbox = runtime_.sandboxes.front();
  }

  for (const std::size_t i : plan.ephemeral_to_start) {
    acted = true;
    co_await start_container(as_container(pod_->spec.ephemeral_containers[i]), sandbox, stop);
  }
  for (const std::size_t i : plan.init_to_start) {
    if (stop.stop_requested()) co_return acted;
    acted = true;
    const corev1::Container container = pod_->spec.init_containers[i];
    const Started started = co_await start_container(container, sandbox, stop);
    if (!started.ok && !is_restartable_init(container)) co_return acted;
  }
  for (const std::size_t i : plan.containers_to_start) {
    if (stop.stop_requested() || i >= pod_->spec.containers.size()) co_return acted;
    acted = true;
    co_await start_container(pod_->spec.containers[i], sandbox, stop);
  }
  co_return acted;
}

}  // namespace kpp::kubelet
