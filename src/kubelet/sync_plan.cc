#include "kubelet/sync_plan.h"

#include <algorithm>

#include "base/cat.h"
#include "kubelet/container/resources.h"

namespace kpp::kubelet {
namespace {

bool rule_restarts(const corev1::Container& container, std::int32_t exit_code, bool& decided) {
  for (const auto& rule : container.restart_policy_rules) {
    if (!rule.exit_codes || (rule.action != "Restart" && rule.action != "RestartAllContainers"))
      continue;
    const bool listed =
        std::ranges::find(rule.exit_codes->values, exit_code) != rule.exit_codes->values.end();
    if ((rule.exit_codes->operator_ == "In") == listed) {
      decided = true;
      return true;
    }
  }
  return false;
}

bool restarts_on_failure(const corev1::Pod& pod) { return pod.spec.restart_policy != "Never"; }

const ProbeResults* results_of(const ProbeView& probes, const std::string& id) {
  const auto it = probes.find(id);
  return it == probes.end() ? nullptr : &it->second;
}

// Why a running container must end, if it must.
std::optional<ContainerKill> reason_to_kill(const corev1::Container& container,
                                            const ContainerRecord& record, const ProbeView& probes,
                                            std::string_view noun, bool restart) {
  ContainerKill out{record.id, container.name, {}, KillReason::kOther};
  const ProbeResults* results = results_of(probes, record.id);
  if (!record.hash.empty() && record.hash != container_hash(container)) {
    out.message = cat(noun, " ", container.name, " definition changed");
    restart = true;  // whatever the policy says: the pod asks for another container now
  } else if (results && results->liveness == false) {
    out.message = cat(noun, " ", container.name, " failed liveness probe");
    out.reason = KillReason::kLivenessProbe;
  } else if (results && results->startup == false) {
    out.message = cat(noun, " ", container.name, " failed startup probe");
    out.reason = KillReason::kStartupProbe;
  } else {
    return std::nullopt;
  }
  if (restart) out.message += ", will be restarted";
  return out;
}

class Planner {
 public:
  Planner(const corev1::Pod& pod, const PodRuntime& runtime, const ProbeView& probes)
      : pod_(pod), runtime_(runtime), probes_(probes) {}

  SyncPlan plan() {
    if (!runtime_.sandboxes.empty()) {
      plan_.sandbox_id = runtime_.sandboxes.front().id;
      plan_.attempt = runtime_.sandboxes.front().attempt;
    }
    if (sandbox_changed(pod_, runtime_)) {
      plan_new_sandbox();
      return std::move(plan_);
    }
    plan_ephemeral();
    const bool initialized = plan_init();
    if (plan_.kill_pod || !initialized) return std::move(plan_);
    plan_regular();
    return std::move(plan_);
  }

 private:
  void plan_new_sandbox() {
    plan_.kill_pod = true;
    plan_.create_sandbox = true;
    if (!runtime_.sandboxes.empty()) ++plan_.attempt;
    if (!restarts_on_failure(pod_) && plan_.attempt != 0 && !runtime_.containers.empty()) {
      plan_.create_sandbox = false;
      return;
    }
    std::vector<std::size_t> start;
    for (std::size_t i = 0; i < pod_.spec.containers.size(); ++i) {
      const auto* record = runtime_.find(pod_.spec.containers[i].name);
      const bool succeeded =
          record && record->state == cri::CONTAINER_EXITED && record->exit_code == 0;
      if (pod_.spec.restart_policy == "OnFailure" && succeeded) continue;
      start.push_back(i);
    }
    if (start.empty() && any_regular_created(pod_, runtime_)) {
      plan_.create_sandbox = false;
      return;
    }
    if (!pod_.spec.init_containers.empty()) {
      plan_.init_to_start.push_back(0);
    } else {
      plan_.containers_to_start = std::move(start);
    }
  }

  void plan_ephemeral() {
    for (std::size_t i = 0; i < pod_.spec.ephemeral_containers.size(); ++i) {
      const auto& name = pod_.spec.ephemeral_containers[i].ephemeral_container_common.name;
      if (runtime_.find(name) == nullptr) plan_.ephemeral_to_start.push_back(i);
    }
  }

  // True if all init containers have done their part.
  bool plan_init() {
    const auto& inits = pod_.spec.init_containers;
    if (inits.empty()) return true;
    bool initialized = any_regular_created(pod_, runtime_);
    // Containers of an earlier sandbox do not count: a new sandbox starts from the beginning.
    std::optional<std::size_t> latest;
    for (std::size_t i = 0; i < inits.size(); ++i) {
      if (find_init(i)) latest = i;
    }
    if (!initialized && !latest) {
      plan_.init_to_start.push_back(0);
      return false;
    }
    for (std::size_t i = 0; i < inits.size(); ++i) {
      const bool is_latest = !initialized && latest == i;
      if (is_restartable_init(inits[i])) {
        if (!initialized && i > *latest) break;
        if (plan_sidecar(i) && is_latest) initialized = start_next(i);
      } else if (is_latest) {
        initialized = plan_latest_init(i);
        if (plan_.kill_pod) return false;
      }
      if (is_latest) break;
    }
    return initialized;
  }

  const ContainerRecord* find_init(std::size_t i) const {
    return runtime_.find(pod_.spec.init_containers[i].name);
  }

  // The init container after the i-th starts; true if there is none.
  bool start_next(std::size_t i) {
    if (i + 1 == pod_.spec.init_containers.size()) return true;
    plan_.init_to_start.push_back(i + 1);
    return false;
  }

  // Keeps a sidecar running; true if it has started.
  bool plan_sidecar(std::size_t i) {
    const auto& container = pod_.spec.init_containers[i];
    const ContainerRecord* record = find_init(i);
    if (record == nullptr || record->state != cri::CONTAINER_RUNNING) {
      plan_.init_to_start.push_back(i);
      return false;
    }
    if (auto kill = reason_to_kill(container, *record, probes_, "Init container", true)) {
      plan_.to_kill.push_back(std::move(*kill));
      plan_.init_to_start.push_back(i);
      return false;
    }
    if (!container.startup_probe) return true;
    const ProbeResults* results = results_of(probes_, record->id);
    return results && results->startup == true;
  }

  bool plan_latest_init(std::size_t i) {
    const auto& container = pod_.spec.init_containers[i];
    const ContainerRecord& record = *find_init(i);
    switch (record.state) {
      case cri::CONTAINER_RUNNING:
        if (!record.hash.empty() && record.hash != container_hash(container)) {
          plan_.to_kill.push_back(
              {record.id, container.name,
               cat("Init container ", container.name, " definition changed, will be restarted"),
               KillReason::kOther});
          plan_.init_to_start.push_back(i);
        }
        return false;
      case cri::CONTAINER_EXITED:
        if (record.exit_code == 0) return start_next(i);
        if (!policy_restarts(pod_, container, record.exit_code)) {
          plan_.kill_pod = true;
          plan_.init_to_start.clear();
          return false;
        }
        plan_.init_to_start.push_back(i);
        return false;
      case cri::CONTAINER_CREATED:
      case cri::CONTAINER_UNKNOWN:
        if (record.state == cri::CONTAINER_UNKNOWN) kill_unknown(container, record);
        plan_.init_to_start.push_back(i);
        return false;
    }
    return false;
  }

  void kill_unknown(const corev1::Container& container, const ContainerRecord& record) {
    plan_.to_kill.push_back({record.id, container.name,
                             "Container is in \"unknown\" state, try killing it before restart",
                             KillReason::kOther});
  }

  void plan_regular() {
    int keep = 0;
    for (std::size_t i = 0; i < pod_.spec.containers.size(); ++i) {
      const auto& container = pod_.spec.containers[i];
      const ContainerRecord* record = runtime_.find(container.name);
      if (record == nullptr || record->state != cri::CONTAINER_RUNNING) {
        if (!should_restart(pod_, container, runtime_)) continue;
        plan_.containers_to_start.push_back(i);
        if (record && record->state == cri::CONTAINER_UNKNOWN) kill_unknown(container, *record);
        continue;
      }
      const bool restart = restarts_on_failure(pod_);
      auto kill = reason_to_kill(container, *record, probes_, "Container", restart);
      if (!kill) {
        ++keep;
        continue;
      }
      if (kill->message.ends_with("will be restarted")) plan_.containers_to_start.push_back(i);
      plan_.to_kill.push_back(std::move(*kill));
    }
    if (keep == 0 && plan_.containers_to_start.empty()) {
      plan_.kill_pod = true;
      plan_.init_to_start.clear();  // so that sidecars do not keep the pod alive
    }
  }

  const corev1::Pod& pod_;
  const PodRuntime& runtime_;
  const ProbeView& probes_;
  SyncPlan plan_;
};

}  // namespace

bool policy_restarts(const corev1::Pod& pod, const corev1::Container& container,
                     std::int32_t exit_code) {
  bool decided = false;
  if (rule_restarts(container, exit_code, decided)) return true;
  const std::string& policy =
      container.restart_policy ? *container.restart_policy : pod.spec.restart_policy;
  if (policy == "Never") return false;
  if (policy == "OnFailure") return exit_code != 0;
  return true;
}

bool should_restart(const corev1::Pod& pod, const corev1::Container& container,
                    const PodRuntime& runtime) {
  if (pod.metadata.deletion_timestamp) return false;
  const ContainerRecord* record = runtime.find(container.name);
  if (record == nullptr) return true;
  switch (record->state) {
    case cri::CONTAINER_RUNNING:
      return false;
    case cri::CONTAINER_CREATED:
    case cri::CONTAINER_UNKNOWN:
      return true;
    case cri::CONTAINER_EXITED:
      return policy_restarts(pod, container, record->exit_code);
  }
  return true;
}

bool sandbox_changed(const corev1::Pod& pod, const PodRuntime& runtime) {
  if (runtime.sandboxes.empty()) return true;
  const auto ready = std::ranges::count_if(runtime.sandboxes, &SandboxRecord::ready);
  const SandboxRecord& newest = runtime.sandboxes.front();
  if (ready > 1 || !newest.ready) return true;
  if (newest.host_network != pod.spec.host_network) return true;
  return !pod.spec.host_network && newest.ips.empty();
}

bool any_regular_created(const corev1::Pod& pod, const PodRuntime& runtime) {
  return std::ranges::any_of(pod.spec.containers,
                             [&](const auto& c) { return runtime.find(c.name) != nullptr; });
}

SyncPlan plan_sync(const corev1::Pod& pod, const PodRuntime& runtime, const ProbeView& probes) {
  return Planner(pod, runtime, probes).plan();
}

}  // namespace kpp::kubelet
