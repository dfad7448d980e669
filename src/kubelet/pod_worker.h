// The life of one pod on the node: one coroutine, one state machine.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "async/scope.h"
#include "async/wait.h"
#include "kubelet/pod_deps.h"
#include "kubelet/probes/prober.h"
#include "kubelet/runtime_view.h"
#include "kubelet/status/pod_status.h"
#include "kubelet/status/status_writer.h"
#include "kubelet/sync_plan.h"
#include "kubelet/volumes/pod_volumes.h"

namespace kpp::kubelet {

// States and what moves the pod on:
//
//   kSyncing ──── deletionTimestamp, gone from the API, deadline over, terminal phase ───▶
//   kTerminating
//      sandbox, volumes, images, containers become what the pod asks for; repeated on every change
//      and timer
//   kTerminating ─ no container runs, sandboxes are stopped ─────────────────────────────▶
//   kTerminated
//      hooks, SIGTERM, SIGKILL within the grace period; a shorter grace period starts the round
//      again
//   kTerminated ── the pod is deleted (we delete it for good) and gone from the API ─────▶ kDone
//      volumes unmounted, control group removed, final status written
//   kDone: sandboxes, containers and logs are removed; the worker can be destroyed
//
// Guarantees: after a restart of the kubelet, running containers that fit the pod are taken over as
// they are. Runs on: its executor only. Stop: stop() leaves containers as they are.
class PodWorker {
 public:
  enum class State { kSyncing, kTerminating, kTerminated, kDone };

  PodWorker(const PodDeps& deps, PodRef pod, std::function<void(const std::string& uid)> done);
  ~PodWorker();
  PodWorker(const PodWorker&) = delete;
  PodWorker& operator=(const PodWorker&) = delete;

  void start();
  // Before start(): the node does not take the pod. It fails, and nothing of it is made.
  void refuse(StartError why);
  void update(PodRef pod);                   // a newer version of the object
  void removed();                            // it is gone from the API, or from the node's files
  void evict(std::string why);               // the node wants its room back: ends it at once
  void mirrored(const corev1::Pod& mirror);  // a static pod: this stands for it in the API
  void poke();  // the runtime or something that the pod refers to changed
  async::Task<void> stop();

  // The node could not give the pod what it asks for: something that ended may have made room.
  bool waits_for_room() const { return resize_pending_.has_value(); }
  State state() const { return state_; }
  const PodRef& pod() const { return pod_; }
  const corev1::PodStatus& status() const { return status_.latest(); }

 private:
  struct BackOff {
    Duration wait{0};
    TimePoint since{};
  };
  struct Started {
    bool ok = false;
    bool in_back_off = false;
  };

  async::Task<void> run();
  // pod_sync.cc
  async::Task<void> sync(async::StopToken stop);
  async::Task<bool> prepare_node(async::StopToken stop);
  async::Task<bool> apply_plan(SyncPlan plan, async::StopToken stop);
  async::Task<std::optional<SandboxRecord>> make_sandbox(std::uint32_t attempt,
                                                         async::StopToken stop);
  bool deadline_over();
  // Sets the status; answers the phase that it has when nothing is held back.
  std::string publish(bool terminal);
  void show_sandbox_ready();
  void set_timers();
  void wake_at(TimePoint when);
  async::Task<bool> reload(async::StopToken stop);
  PodFacts facts() const;

  // pod_resize.cc
  void adopt(PodRef desired);
  bool resize_asked() const;
  bool resize_under_way() const;
  void consider_resize();
  void plan_resize_restarts(SyncPlan& plan) const;
  async::Task<Status> update_container(corev1::Container container, std::string id,
                                       async::StopToken stop);
  async::Task<void> actuate_resize(async::StopToken stop);
  void end_resize();
  std::vector<corev1::PodCondition> resize_conditions() const;

  // pod_start.cc
  async::Task<Started> start_container(corev1::Container container, SandboxRecord sandbox,
                                       async::StopToken stop);
  async::Task<std::optional<StartError>> try_start(corev1::Container container,
                                                   SandboxRecord sandbox, async::StopToken stop);
  async::Task<std::vector<cri::AuthConfig>> pull_credentials(std::string image,
                                                             async::StopToken stop);
  std::optional<StartError> back_off(const corev1::Container& container);
  async::Task<Result<std::vector<cri::Mount>>> mounts_of(corev1::Container container,
                                                         SandboxRecord sandbox,
                                                         Environment environment);
  async::Task<void> drop_older_containers(std::string name, async::StopToken stop);
  cri::PodSandboxConfig sandbox_request(std::uint32_t attempt) const;

  // pod_kill.cc
  struct Stopping;
  async::Task<void> terminate(async::StopToken stop);
  async::Task<void> finish(async::StopToken stop);
  async::Task<void> clean_runtime(async::StopToken stop);
  async::Task<void> stop_everything(async::StopToken stop);
  async::Task<void> kill_container(ContainerRecord record, std::string message, std::int64_t grace,
                                   std::shared_ptr<Stopping> order, async::StopToken stop);
  async::Task<bool> stop_sandboxes(async::StopToken stop);
  std::int64_t grace_seconds(const ContainerRecord& record, KillReason reason) const;
  const corev1::Container* spec_of(std::string_view name) const;

  struct ResizePending {
    std::string reason, message;
    std::int64_t generation = 0;
  };

  PodDeps deps_;
  PodRef desired_;  // as the API has it
  PodRef pod_;      // the same with the resources that the node has granted
  std::optional<ResizePending> resize_pending_;
  bool resize_started_ = false;
  std::string resize_error_;
  std::function<void(const std::string&)> done_;
  std::string seen_;  // the time when the worker was made
  State state_ = State::kSyncing;
  bool in_api_ = true;
  PodRuntime runtime_;
  std::map<std::string, StartError> start_errors_;
  std::map<std::string, BackOff> crash_back_off_;
  std::optional<StartError> failure_;
  bool evicted_ = false;
  std::int64_t last_grace_ = -1;  // the grace period that the running termination uses
  Duration mount_pause_{0};
  bool node_prepared_ = false;
  ResolvConf node_dns_;     // as the node's file was when the pod was prepared
  bool reclaimed_ = false;  // volumes and control group are gone
  StatusWriter status_;
  PodVolumes volumes_;
  Prober prober_;
  async::StopSource round_;  // of the sync or termination at hand
  std::optional<TimePoint> next_wake_;
  async::Event wake_;
  async::Scope scope_;
};

}  // namespace kpp::kubelet
