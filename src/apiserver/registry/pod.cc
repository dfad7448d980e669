#include "api/corev1.h"
#include "api/json_codec.h"
#include "apiserver/registry/pod_qos.h"
#include "apiserver/registry/strategies.h"

namespace kpp::apiserver {
namespace {

// Keys whose values the pod's own labels give become part of the selector: who reads it needs not
// know of the keys.
void merge_keys(api::Opt<metav1::LabelSelector>& selector, const std::vector<std::string>& keys,
                const metav1::ObjectMeta& meta, const char* how) {
  if (!selector) return;
  for (const auto& key : keys) {
    const auto label = meta.labels.find(key);
    if (label == meta.labels.end()) continue;
    auto& added = selector->match_expressions.emplace_back();
    added.key = key;
    added.operator_ = how;
    added.values = {label->second};
  }
}

void merge_keys(corev1::PodAffinityTerm& term, const metav1::ObjectMeta& meta) {
  merge_keys(term.label_selector, term.match_label_keys, meta, "In");
  merge_keys(term.label_selector, term.mismatch_label_keys, meta, "NotIn");
}

void merge_label_keys(corev1::Pod& pod) {
  const auto all = [&pod](auto& affinity) {
    if (!affinity) return;
    for (auto& term : affinity->required_during_scheduling_ignored_during_execution)
      merge_keys(term, pod.metadata);
    for (auto& term : affinity->preferred_during_scheduling_ignored_during_execution)
      merge_keys(term.pod_affinity_term, pod.metadata);
  };
  if (pod.spec.affinity) {
    all(pod.spec.affinity->pod_affinity);
    all(pod.spec.affinity->pod_anti_affinity);
  }
  for (auto& constraint : pod.spec.topology_spread_constraints)
    merge_keys(constraint.label_selector, constraint.match_label_keys, pod.metadata, "In");
}

void prepare_create(api::Object& object, const StrategyContext& context) {
  auto& pod = *object.as<corev1::Pod>();
  pod.metadata.generation = 1;
  pod.status = {};
  pod.status.phase = "Pending";
  pod.status.qos_class = qos_class(pod);
  merge_label_keys(pod);
  if (!pod.spec.scheduling_gates.empty()) {
    corev1::PodCondition gated;
    gated.type = "PodScheduled";
    gated.status = "False";
    gated.last_transition_time = api::Time::from(context.now);
    gated.reason = "SchedulingGated";
    gated.message = "Scheduling is blocked due to non-empty scheduling gates";
    pod.status.conditions.push_back(std::move(gated));
  }
}

void prepare_update(api::Object& object, const api::Object& old_object,
                    const StrategyContext& context) {
  auto& pod = *object.as<corev1::Pod>();
  const auto& old = *old_object.as<corev1::Pod>();
  // Being given its node is the server's own change, status and all.
  if (context.subresource == "binding") return;
  pod.status = old.status;
  if (context.subresource == "ephemeralcontainers") {
    auto containers = std::move(pod.spec.ephemeral_containers);
    pod.spec = old.spec;
    pod.spec.ephemeral_containers = std::move(containers);
  } else if (context.subresource == "resize") {
    const auto asked = pod.spec;
    pod.spec = old.spec;
    pod.spec.resources = asked.resources;
    for (std::size_t i = 0; i < pod.spec.init_containers.size() && i < asked.init_containers.size();
         ++i) {
      pod.spec.init_containers[i].resources = asked.init_containers[i].resources;
      pod.spec.init_containers[i].resize_policy = asked.init_containers[i].resize_policy;
    }
    for (std::size_t i = 0; i < pod.spec.containers.size() && i < asked.containers.size(); ++i) {
      pod.spec.containers[i].resources = asked.containers[i].resources;
      pod.spec.containers[i].resize_policy = asked.containers[i].resize_policy;
    }
  }
  pod.metadata.generation = old.metadata.generation;
  if (!api::equal(pod.spec, old.spec)) ++pod.metadata.generation;
}

void prepare_status_update(api::Object& object, const api::Object& old_object,
                           const StrategyContext&) {
  auto& pod = *object.as<corev1::Pod>();
  const auto& old = *old_object.as<corev1::Pod>();
  pod.spec = old.spec;
  pod.metadata.deletion_timestamp = old.metadata.deletion_timestamp;
  pod.metadata.owner_references = old.metadata.owner_references;
  if (pod.status.qos_class.empty()) pod.status.qos_class = old.status.qos_class;
}

// A pod that no node has, or that has finished, goes at once.
std::int64_t default_grace(const api::Object& object) {
  const auto& pod = *object.as<corev1::Pod>();
  if (pod.spec.node_name.empty()) return 0;
  if (pod.status.phase == "Failed" || pod.status.phase == "Succeeded") return 0;
  const std::int64_t grace = pod.spec.termination_grace_period_seconds.value_or(30);
  return grace < 0 ? 1 : grace;
}

std::vector<std::pair<std::string, std::string>> selectable(const api::Object& object) {
  const auto& pod = *object.as<corev1::Pod>();
  return {{"spec.nodeName", pod.spec.node_name},
          {"spec.restartPolicy", pod.spec.restart_policy},
          {"spec.schedulerName", pod.spec.scheduler_name},
          {"spec.serviceAccountName", pod.spec.service_account_name},
          {"spec.hostNetwork", pod.spec.host_network ? "true" : "false"},
          {"status.phase", pod.status.phase},
          {"status.podIP", pod.status.pod_ip},
          {"status.nominatedNodeName", pod.status.nominated_node_name},
          {"spec.host", pod.spec.node_name}};
}

}  // namespace

Strategy pod_strategy() {
  Strategy s;
  s.prepare_create = prepare_create;
  s.prepare_update = prepare_update;
  s.prepare_status_update = prepare_status_update;
  s.default_grace = default_grace;
  s.answers_deleted_object = true;
  s.status_untracked = {"spec", "metadata.deletionTimestamp", "metadata.ownerReferences"};
  s.selectable = selectable;
  return s;
}

}  // namespace kpp::apiserver
