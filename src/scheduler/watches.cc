// Scheduler: what it hears of the cluster.
#include <algorithm>

#include "scheduler/plugins/spread_constraint.h"
#include "scheduler/state.h"

namespace kpp::scheduler {

namespace {

constexpr std::uint32_t kVolumePluginBits =
    kVolumeBindingBit | kVolumeRestrictionsBit | kVolumeZoneBit | kNodeVolumeLimitsBit;

bool finished(const corev1::Pod& pod) {
  return pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
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

// Whether decisions about others see the same pod.
bool looks_the_same(const corev1::Pod& a, const corev1::Pod& b) {
  return same_demands(a, b) && a.metadata.deletion_timestamp == b.metadata.deletion_timestamp &&
         a.status.start_time == b.status.start_time;
}

// Which plugins' refusals a node's change may lift.
std::uint32_t helped_by(const corev1::Node& before, const corev1::Node& after) {
  std::uint32_t out = 0;
  if (before.status.allocatable != after.status.allocatable) out |= kNodeResourcesFitBit;
  if (before.metadata.labels != after.metadata.labels) {
    out |= kNodeAffinityBit | kVolumeBindingBit | kVolumeZoneBit | kPodTopologySpreadBit |
           kInterPodAffinityBit;
  }
  if (before.spec.unschedulable && !after.spec.unschedulable) out |= kNodeUnschedulableBit;
  const auto& old_taints = before.spec.taints;
  const auto& taints = after.spec.taints;
  const bool same =
      old_taints.size() == taints.size() &&
      std::equal(taints.begin(), taints.end(), old_taints.begin(),
                 [](const auto& a, const auto& b) {
                   return a.key == b.key && a.value == b.value && a.effect == b.effect;
                 });
  if (!same) out |= kTaintTolerationBit | kPodTopologySpreadBit;
  return out;
}

bool any_means(const std::vector<AffinityTerm>& terms, const corev1::Pod& pod,
               const NamespaceLabels& namespaces) {
  return std::any_of(terms.begin(), terms.end(),
                     [&](const AffinityTerm& term) { return term.matches(pod, namespaces); });
}

bool uses_claim(const corev1::Pod& pod, const api::ObjectKey& claim) {
  if (pod.metadata.namespace_ != claim.namespace_) return false;
  return std::any_of(pod.spec.volumes.begin(), pod.spec.volumes.end(), [&](const auto& volume) {
    return api::claim_of_volume(pod, volume) == claim.name;
  });
}

}  // namespace

void Scheduler::State::add_handlers() {
  pods.set_trim(trim_pod);
  pods.add_handler(
      [this](const PodRef& before, const PodRef& after) { pod_changed(before, after); });
  nodes.add_handler(
      [this](const NodeRef& before, const NodeRef& after) { node_changed(before, after); });
  namespaces.add_handler([this](const auto& before, const auto& after) {
    if (!after) return cache.remove_namespace(before->metadata.name);
    const bool news = !before || before->metadata.labels != after->metadata.labels;
    cache.set_namespace(after->metadata.name, after->metadata.labels);
    if (news) queue.move(kInterPodAffinityBit);
  });
  claims.add_handler(
      [this](const auto& before, const auto& after) { claim_changed(before, after); });
  volumes.add_handler([this](const auto& before, const auto& after) {
    cache.storage().set_volume((after ? after : before)->metadata.name, after);
    storage_changed.pulse();
    if (after) queue.move(kVolumePluginBits);
  });
  classes.add_handler([this](const auto& before, const auto& after) {
    cache.storage().set_class((after ? after : before)->metadata.name, after);
    if (after) queue.move(kVolumePluginBits);
  });
  node_limits.add_handler([this](const auto& before, const auto& after) {
    cache.storage().set_node_limits((after ? after : before)->metadata.name, after);
    if (after) queue.move(kNodeVolumeLimitsBit);
  });
  budgets.add_handler([this](const auto& before, const auto& after) {
    cache.set_budget(api::key_of(*(after ? after : before)), after);
  });
  services.add_handler([this](const auto& before, const auto& after) {
    if (after) {
      cache.groups().set_service(api::key_of(*after), after->spec.selector);
    } else {
      cache.groups().remove_service(api::key_of(*before));
    }
  });
  const auto owner = [this](const auto& before, const auto& after,
                            const metav1::LabelSelector* selector) {
    const std::string& uid = (after ? after : before)->metadata.uid;
    if (selector != nullptr) {
      cache.groups().set_owner(uid, *selector);
    } else {
      cache.groups().remove_owner(uid);
    }
  };
  replication_controllers.set_trim([](auto& object) { object.spec.template_.reset(); });
  replication_controllers.add_handler([owner](const auto& before, const auto& after) {
    metav1::LabelSelector selector;
    if (after) selector.match_labels = after->spec.selector;
    owner(before, after, after ? &selector : nullptr);
  });
  replica_sets.set_trim([](auto& object) { object.spec.template_ = {}; });
  replica_sets.add_handler([owner](const auto& before, const auto& after) {
    owner(before, after, after && after->spec.selector ? after->spec.selector.get() : nullptr);
  });
  stateful_sets.set_trim([](auto& object) {
    object.spec.template_ = {};
    object.spec.volume_claim_templates = {};
  });
  stateful_sets.add_handler([owner](const auto& before, const auto& after) {
    owner(before, after, after && after->spec.selector ? after->spec.selector.get() : nullptr);
  });
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
  cache.drop_nomination(key);
  if (before && !before->spec.node_name.empty() && looks_the_same(*before, *after) &&
      cache.holds(key) && !cache.is_assumed(key)) {
    return;
  }
  const bool stood_there = before && !before->spec.node_name.empty();
  const auto info = std::make_shared<const PodInfo>(after);
  cache.add_pod(info);
  if (stood_there && !api::equal(before->spec, after->spec)) queue.move(kNodeResourcesFitBit);
  if (!stood_there || before->metadata.labels != after->metadata.labels)
    wake_those_looking_at(*info);
}

void Scheduler::State::wake_those_looking_at(const PodInfo& pod) {
  const auto labels = cache.namespace_labels();
  queue.move(kInterPodAffinityBit, [&](const PodInfo& waiting) {
    return any_means(waiting.affinity.required, *pod.pod, labels) ||
           any_means(waiting.affinity.required_anti, *pod.pod, labels) ||
           any_means(pod.affinity.required_anti, *waiting.pod, labels);
  });
  queue.move(kPodTopologySpreadBit, [&](const PodInfo& waiting) {
    if (waiting.pod->metadata.namespace_ != pod.pod->metadata.namespace_) return false;
    const auto constraints = spread_constraints(*waiting.pod, "DoNotSchedule");
    return std::any_of(constraints.begin(), constraints.end(), [&](const auto& constraint) {
      return constraint.selector.matches(pod.pod->metadata.labels);
    });
  });
}

void Scheduler::State::pod_waits(const PodRef& pod) {
  const auto key = api::key_of(*pod);
  if (pod->spec.scheduler_name != options.scheduler_name || pod->metadata.deletion_timestamp) {
    queue.remove(key);
    cache.drop_nomination(key);
    return;
  }
  if (cache.is_assumed(key)) return;  // its binding is under way
  const auto info = std::make_shared<const PodInfo>(pod);
  if (!pod->status.nominated_node_name.empty() && cache.nominated_node(key).empty())
    cache.nominate(info, pod->status.nominated_node_name);
  queue.put(info);
}

void Scheduler::State::pod_left(const api::ObjectKey& key) {
  queue.remove(key);
  cache.drop_nomination(key);
  const PodInfoRef pod = cache.find(key);
  if (!pod) return;
  cache.remove_pod(key);
  queue.move(kNodeResourcesFitBit | kNodePortsBit | kVolumeRestrictionsBit | kNodeVolumeLimitsBit);
  wake_those_looking_at(*pod);
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

void Scheduler::State::claim_changed(const api::ClaimRef& before, const api::ClaimRef& after) {
  const auto key = api::key_of(*(after ? after : before));
  cache.storage().set_claim(key, after);
  storage_changed.pulse();
  if (!after) return;
  queue.move(kVolumePluginBits,
             [&](const PodInfo& waiting) { return uses_claim(*waiting.pod, key); });
}

}  // namespace kpp::scheduler
