#include "controllers/daemonset/daemon_pods.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "controllers/history/controller_revisions.h"
#include "controllers/node_fit.h"
#include "controllers/percent.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr const char* kTemplateGeneration = "pod-template-generation";
constexpr const char* kTemplateGenerationAnnotation = "deprecated.daemonset.template.generation";

void add_toleration(corev1::PodSpec& spec, std::string_view key, std::string_view effect) {
  for (const auto& t : spec.tolerations) {
    if (t.key == key && t.effect == effect && t.operator_ == "Exists" && t.value.empty()) {
      return;
    }
  }
  auto& added = spec.tolerations.emplace_back();
  added.key = key;
  added.operator_ = "Exists";
  added.effect = effect;
}

void add_tolerations(corev1::PodSpec& spec) {
  constexpr std::string_view kPrefix = "node.kubernetes.io/";
  for (const auto* name : {"not-ready", "unreachable"}) {
    add_toleration(spec, cat(kPrefix, name), "NoExecute");
  }
  for (const auto* name : {"disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"}) {
    add_toleration(spec, cat(kPrefix, name), "NoSchedule");
  }
  if (spec.host_network) add_toleration(spec, cat(kPrefix, "network-unavailable"), "NoSchedule");
}

std::string template_generation(const appsv1::DaemonSet& set) {
  const auto it = set.metadata.annotations.find(kTemplateGenerationAnnotation);
  if (it == set.metadata.annotations.end()) return {};
  std::int64_t number = 0;
  const auto& text = it->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? text : std::string();
}

bool has_label(const corev1::Pod& pod, const char* key, const std::string& value) {
  const auto it = pod.metadata.labels.find(key);
  return it != pod.metadata.labels.end() && it->second == value;
}

// The pods of a node that are not being deleted: at most one new and one old, else not clear.
struct NewAndOld {
  PodRef fresh, old;
  bool clear = true;
};
NewAndOld new_and_old(const appsv1::DaemonSet& set, const std::vector<PodRef>& pods,
                      const std::string& hash) {
  NewAndOld out;
  for (const auto& pod : pods) {
    if (pod->metadata.deletion_timestamp) continue;
    PodRef& slot = is_updated(set, *pod, hash) ? out.fresh : out.old;
    if (slot) return {nullptr, nullptr, false};
    slot = pod;
  }
  return out;
}

DaemonChange replace_in_place(const appsv1::DaemonSet& set, const PodsByNode& pods,
                              const std::map<std::string, bool>& should_run,
                              const std::string& hash, std::int32_t allowed, WallTime now) {
  DaemonChange out;
  std::int32_t unavailable = 0;
  std::vector<PodRef> candidates;
  for (const auto& [node, on_node] : pods) {
    const auto [fresh, old, clear] = new_and_old(set, on_node, hash);
    const auto wanted = should_run.find(node);
    if (wanted == should_run.end() || !wanted->second) {
      if (clear && old) out.remove.push_back(old);
      continue;
    }
    if (!clear || !fresh == !old) {
      ++unavailable;  // the next look at the node's pods settles it
    } else if (fresh) {
      if (!is_available(*fresh, set.spec.min_ready_seconds, now)) ++unavailable;
    } else if (!is_available(*old, set.spec.min_ready_seconds, now)) {
      out.remove.push_back(old);  // serves nobody: replaced at once
    } else {
      candidates.push_back(old);
    }
  }
  const auto room = static_cast<std::size_t>(std::max(0, allowed - unavailable));
  for (std::size_t i = 0; i < std::min(room, candidates.size()); ++i) {
    out.remove.push_back(candidates[i]);
  }
  return out;
}

DaemonChange replace_by_surge(const appsv1::DaemonSet& set, const PodsByNode& pods,
                              const std::map<std::string, bool>& should_run,
                              const std::string& hash, std::int32_t allowed, WallTime now) {
  DaemonChange out;
  std::int32_t surging = 0;
  std::vector<std::string> candidates;
  for (const auto& [node, on_node] : pods) {
    const auto [fresh, old, clear] = new_and_old(set, on_node, hash);
    const auto wanted = should_run.find(node);
    if (wanted == should_run.end() || !wanted->second) continue;
    if (!clear) {
      ++surging;
    } else if (old && !fresh) {
      const bool serves = is_available(*old, set.spec.min_ready_seconds, now);
      (serves ? candidates : out.create_on).push_back(node);
    } else if (old && fresh) {
      if (is_available(*fresh, set.spec.min_ready_seconds, now)) {
        out.remove.push_back(old);
      } else {
        ++surging;
      }
    }
  }
  const auto room = static_cast<std::size_t>(std::max(0, allowed - surging));
  for (std::size_t i = 0; i < std::min(room, candidates.size()); ++i) {
    out.create_on.push_back(candidates[i]);
  }
  return out;
}

}  // namespace

corev1::Pod daemon_pod(const appsv1::DaemonSet& set, const std::string& node,
                       const std::string& hash) {
  corev1::Pod pod =
      pod_from_template(set.spec.template_, {&appsv1::DaemonSet::desc(), set.metadata});
  add_tolerations(pod.spec);
  const std::string generation = template_generation(set);
  if (!generation.empty()) pod.metadata.labels[kTemplateGeneration] = generation;
  if (!hash.empty()) pod.metadata.labels[kControllerRevisionHash] = hash;
  corev1::NodeSelectorTerm term;
  auto& field = term.match_fields.emplace_back();
  field.key = "metadata.name";
  field.operator_ = "In";
  field.values = {node};
  pod.spec.affinity.ensure()
      .node_affinity.ensure()
      .required_during_scheduling_ignored_during_execution.ensure()
      .node_selector_terms = {term};
  return pod;
}

std::string target_node(const corev1::Pod& pod) {
  if (!pod.spec.node_name.empty()) return pod.spec.node_name;
  if (!pod.spec.affinity || !pod.spec.affinity->node_affinity) return {};
  const auto& required =
      pod.spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  if (!required) return {};
  for (const auto& term : required->node_selector_terms) {
    for (const auto& field : term.match_fields) {
      if (field.key == "metadata.name" && field.operator_ == "In" && field.values.size() == 1)
        return field.values.front();
    }
  }
  return {};
}

NodeVerdict verdict_for(const appsv1::DaemonSet& set, const corev1::Node& node) {
  corev1::PodSpec spec = set.spec.template_.spec;
  if (!spec.node_name.empty() && spec.node_name != node.metadata.name) return {};
  if (!api::fits_required_affinity(spec, node)) return {};
  add_tolerations(spec);
  if (!has_untolerated_taint(node.spec.taints, spec.tolerations, false)) return {true, true};
  return {false, !has_untolerated_taint(node.spec.taints, spec.tolerations, true)};
}

bool is_updated(const appsv1::DaemonSet& set, const corev1::Pod& pod, const std::string& hash) {
  if (!hash.empty() && has_label(pod, kControllerRevisionHash, hash)) return true;
  const std::string generation = template_generation(set);
  return !generation.empty() && has_label(pod, kTemplateGeneration, generation);
}

std::int32_t max_surge(const appsv1::DaemonSet& set, std::int32_t desired) {
  const auto& strategy = set.spec.update_strategy;
  if (strategy.type != "RollingUpdate" || !strategy.rolling_update) return 0;
  return scaled(strategy.rolling_update->max_surge, desired, Rounding::kUp);
}

std::int32_t max_unavailable(const appsv1::DaemonSet& set, std::int32_t desired) {
  const auto& strategy = set.spec.update_strategy;
  if (strategy.type != "RollingUpdate" || !strategy.rolling_update) return 0;
  const std::int32_t out = scaled(strategy.rolling_update->max_unavailable, desired, Rounding::kUp);
  return out == 0 && desired > 0 && max_surge(set, desired) == 0 ? 1 : out;
}

void sort_by_age(std::vector<PodRef>& pods) {
  std::sort(pods.begin(), pods.end(), [](const auto& a, const auto& b) {
    const bool a_waits = a->spec.node_name.empty();
    const bool b_waits = b->spec.node_name.empty();
    return std::tie(a_waits, a->metadata.creation_timestamp, a->metadata.name) <
           std::tie(b_waits, b->metadata.creation_timestamp, b->metadata.name);
  });
}

std::vector<PodRef> surplus(const appsv1::DaemonSet& set, std::vector<PodRef> running,
                            const std::string& hash, WallTime now) {
  std::vector<PodRef> out;
  if (running.size() <= 1) return out;
  sort_by_age(running);
  // A surge of "10%" allows one in any cluster with nodes.
  if (max_surge(set, 1) == 0) {
    out.assign(running.begin() + 1, running.end());
    return out;
  }
  PodRef fresh, old;
  for (const auto& pod : running) {
    PodRef& slot = has_label(*pod, kControllerRevisionHash, hash) ? fresh : old;
    if (slot) {
      out.push_back(pod);
    } else {
      slot = pod;
    }
  }
  if (fresh && old && (!is_ready(*old) || is_available(*fresh, set.spec.min_ready_seconds, now))) {
    out.push_back(old);
  }
  return out;
}

DaemonChange rolling_step(const appsv1::DaemonSet& set, const std::vector<NodeRef>& nodes,
                          const PodsByNode& pods, const std::string& hash, WallTime now) {
  std::map<std::string, bool> should_run;
  std::int32_t desired = 0;
  for (const auto& node : nodes) {
    const bool run = verdict_for(set, *node).should_run;
    should_run[node->metadata.name] = run;
    desired += run ? 1 : 0;
  }
  const std::int32_t surge = max_surge(set, desired);
  if (surge > 0) return replace_by_surge(set, pods, should_run, hash, surge, now);
  return replace_in_place(set, pods, should_run, hash, max_unavailable(set, desired), now);
}

appsv1::DaemonSetStatus daemon_status(const appsv1::DaemonSet& set,
                                      const std::vector<NodeRef>& nodes, const PodsByNode& pods,
                                      const std::string& hash, WallTime now) {
  appsv1::DaemonSetStatus out = set.status;
  out.desired_number_scheduled = out.current_number_scheduled = out.number_misscheduled = 0;
  out.number_ready = out.updated_number_scheduled = out.number_available = 0;
  for (const auto& node : nodes) {
    const auto there = pods.find(node->metadata.name);
    const bool scheduled = there != pods.end() && !there->second.empty();
    if (!verdict_for(set, *node).should_run) {
      out.number_misscheduled += scheduled ? 1 : 0;
      continue;
    }
    ++out.desired_number_scheduled;
    if (!scheduled) continue;
    ++out.current_number_scheduled;
    auto sorted = there->second;
    sort_by_age(sorted);
    const auto& pod = *sorted.front();
    if (is_ready(pod)) {
      ++out.number_ready;
      if (is_available(pod, set.spec.min_ready_seconds, now)) ++out.number_available;
    }
    if (is_updated(set, pod, hash)) ++out.updated_number_scheduled;
  }
  out.number_unavailable = out.desired_number_scheduled - out.number_available;
  return out;
}

}  // namespace kpp::controllers
