// Runs the probes of one pod's containers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "async/scope.h"
#include "async/wait.h"
#include "kubelet/pod_deps.h"
#include "kubelet/probes/handlers.h"
#include "kubelet/runtime_view.h"
#include "kubelet/sync_plan.h"

namespace kpp::kubelet {

// Guarantees: each probe of a running container runs from initialDelaySeconds on (readiness half a
//   second after the start at the earliest), every periodSeconds; liveness and readiness wait for
//   the startup probe. A result stands once its threshold of equal answers is reached. A failed
//   liveness or startup probe is not asked again for that container. `changed` is called when a
//   result changes.
// Runs on: its executor only.
// Stop: stop() ends all probes.
class Prober {
 public:
  Prober(const PodDeps& deps, std::function<void()> changed);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Probes exactly the containers that run. `previous` gives the readiness of containers taken over
  // from an earlier kubelet.
  void sync(PodRef pod, const PodRuntime& runtime, const corev1::PodStatus& previous);
  const ProbeView& results() const { return results_; }
  // The pod ends: only readiness matters from now on.
  void stop_restarting_probes();
  async::Task<void> stop();

 private:
  enum class Kind { kStartup, kLiveness, kReadiness };
  struct Running {
    async::StopSource stop;
  };
  using Key = std::pair<std::string, Kind>;  // container id

  void start(PodRef pod, const corev1::Container& container, const ContainerRecord& record,
             const std::string& pod_ip, Kind kind, const corev1::Probe& probe);
  async::Task<void> run(PodRef pod, corev1::Container container, ProbeTarget target, Kind kind,
                        corev1::Probe probe, std::int64_t started_at, async::StopToken stop);
  async::Task<ProbeAnswer> ask(PodRef pod, corev1::Container container, ProbeTarget target,
                               Kind kind, corev1::Probe probe, async::StopToken stop);
  std::optional<bool>& slot(const std::string& id, Kind kind);
  bool started(const std::string& id, const corev1::Container& container) const;

  const PodDeps& deps_;
  std::function<void()> changed_;
  ProbeView results_;
  std::map<Key, Running> running_;
  bool ending_ = false;  // the pod is being ended
  async::Scope scope_;
};

}  // namespace kpp::kubelet
