#include "controllers/replicaset/replicaset_pods.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "controllers/label_matching.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

struct Ranked {
  PodRef pod;
  int related_on_node;
};

int phase_rank(const corev1::Pod& pod) {
  if (pod.status.phase == "Pending") return 0;
  if (pod.status.phase == "Unknown") return 1;
  return 2;
}

std::int64_t deletion_cost(const corev1::Pod& pod) {
  const auto it = pod.metadata.annotations.find("controller.kubernetes.io/pod-deletion-cost");
  if (it == pod.metadata.annotations.end()) return 0;
  std::int32_t cost = 0;
  const auto& text = it->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cost);
  return error == std::errc() && end == text.data() + text.size() ? cost : 0;
}

api::Time ready_since(const corev1::Pod& pod) {
  const auto* ready = pod_condition(pod, "Ready");
  return ready && ready->status == "True" ? ready->last_transition_time : api::Time();
}

int restarts(const corev1::Pod& pod) {
  int most = 0;
  for (const auto& status : pod.status.container_statuses)
    most = std::max(most, status.restart_count);
  for (const auto& status : pod.status.init_container_statuses)
    most = std::max(most, status.restart_count);
  return most;
}

// Ages count by their order of magnitude, so that pods of about one age are taken at random.
int age_rank(const api::Time& time, WallTime now) {
  const auto age = (now - time.wall()).count();
  return age > 0 ? static_cast<int>(std::log2(static_cast<double>(age))) : -1;
}

bool younger(const api::Time& a, const api::Time& b, const Ranked& x, const Ranked& y,
             WallTime now) {
  if (a.is_zero() || b.is_zero()) return a.is_zero();
  const int difference = age_rank(a, now) - age_rank(b, now);
  return difference != 0 ? difference < 0 : x.pod->metadata.uid < y.pod->metadata.uid;
}

bool goes_first(const Ranked& x, const Ranked& y, WallTime now) {
  const corev1::Pod& a = *x.pod;
  const corev1::Pod& b = *y.pod;
  if (a.spec.node_name.empty() != b.spec.node_name.empty()) return a.spec.node_name.empty();
  if (phase_rank(a) != phase_rank(b)) return phase_rank(a) < phase_rank(b);
  if (is_ready(a) != is_ready(b)) return !is_ready(a);
  if (deletion_cost(a) != deletion_cost(b)) return deletion_cost(a) < deletion_cost(b);
  if (x.related_on_node != y.related_on_node) return x.related_on_node > y.related_on_node;
  if (is_ready(a) && is_ready(b) && ready_since(a) != ready_since(b)) {
    return younger(ready_since(a), ready_since(b), x, y, now);
  }
  if (restarts(a) != restarts(b)) return restarts(a) > restarts(b);
  if (a.metadata.creation_timestamp != b.metadata.creation_timestamp) {
    return younger(a.metadata.creation_timestamp, b.metadata.creation_timestamp, x, y, now);
  }
  return false;
}

}  // namespace

std::vector<PodRef> pods_to_delete(std::vector<PodRef> pods, const std::vector<PodRef>& related,
                                   std::size_t count, WallTime now) {
  if (count < pods.size()) {
    std::map<std::string, int> on_node;
    for (const auto& pod : related) {
      if (is_active(*pod)) ++on_node[pod->spec.node_name];
    }
    std::vector<Ranked> ranked;
    for (auto& pod : pods) ranked.push_back({pod, on_node[pod->spec.node_name]});
    std::sort(ranked.begin(), ranked.end(),
              [&](const Ranked& x, const Ranked& y) { return goes_first(x, y, now); });
    for (std::size_t i = 0; i < pods.size(); ++i) pods[i] = ranked[i].pod;
    pods.resize(count);
  }
  return pods;
}

appsv1::ReplicaSetStatus replica_set_status(const appsv1::ReplicaSet& set,
                                            const std::vector<PodRef>& active, int terminating,
                                            WallTime now) {
  appsv1::ReplicaSetStatus status = set.status;
  status.replicas = static_cast<std::int32_t>(active.size());
  status.fully_labeled_replicas = 0;
  status.ready_replicas = 0;
  status.available_replicas = 0;
  for (const auto& pod : active) {
    if (contains(pod->metadata.labels, set.spec.template_.metadata.labels))
      ++status.fully_labeled_replicas;
    if (!is_ready(*pod)) continue;
    ++status.ready_replicas;
    if (is_available(*pod, set.spec.min_ready_seconds, now)) ++status.available_replicas;
  }
  status.terminating_replicas = terminating;
  return status;
}

void set_replica_failure(appsv1::ReplicaSetStatus& status, const Status& error, bool creating,
                         WallTime now) {
  auto& all = status.conditions;
  const auto it = std::find_if(all.begin(), all.end(),
                               [](const auto& c) { return c.type == "ReplicaFailure"; });
  if (error.ok()) {
    if (it != all.end()) all.erase(it);
    return;
  }
  if (it != all.end()) return;
  appsv1::ReplicaSetCondition condition;
  condition.type = "ReplicaFailure";
  condition.status = "True";
  condition.reason = creating ? "FailedCreate" : "FailedDelete";
  condition.message = error.message();
  condition.last_transition_time = api::Time::from(now);
  all.push_back(std::move(condition));
}

}  // namespace kpp::controllers
