#include "controllers/disruption/disruption_controller.h"

#include <algorithm>
#include <set>

#include "api/json_codec.h"
#include "controllers/label_matching.h"
#include "controllers/percent.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr auto kDeletionWithin = std::chrono::minutes(2);

bool selects_pod(const policyv1::PodDisruptionBudget& budget, const corev1::Pod& pod) {
  return budget.spec.selector && selects(*budget.spec.selector, pod.metadata.labels);
}

void set_condition(policyv1::PodDisruptionBudgetStatus& status, const char* value,
                   const char* reason, std::string message, std::int64_t generation, WallTime now) {
  auto& all = status.conditions;
  auto it = std::find_if(all.begin(), all.end(),
                         [](const auto& c) { return c.type == "DisruptionAllowed"; });
  if (it == all.end()) {
    it = all.emplace(all.end());
    it->type = "DisruptionAllowed";
  }
  if (it->status != value) it->last_transition_time = api::Time::from(now);
  it->status = value;
  it->reason = reason;
  it->message = std::move(message);
  it->observed_generation = generation;
}

}  // namespace

DisruptionController::DisruptionController(ControllerContext context)
    : Controller(context, "disruption-controller", "controllermanager", 1),
      budgets_(watch_keys<Budget>()),
      pods_(watch<corev1::Pod>([this](const PodRef& before, const PodRef& after) {
        if (before) on_pod(before);
        if (after) on_pod(after);
      })),
      replica_sets_(read<appsv1::ReplicaSet>()),
      deployments_(read<appsv1::Deployment>()),
      stateful_sets_(read<appsv1::StatefulSet>()),
      replication_controllers_(read<corev1::ReplicationController>()) {}

void DisruptionController::on_pod(const PodRef& pod) {
  for (const auto& budget : budgets_.in_namespace(pod->metadata.namespace_)) {
    if (selects_pod(*budget, *pod)) queue().add(api::key_of(*budget));
  }
}

void DisruptionController::event(const Budget& budget, const char* type, const char* reason,
                                 std::string message) {
  events().event(client::reference_to(Budget::desc(), budget.metadata), type, reason,
                 std::move(message));
}

std::optional<std::int32_t> DisruptionController::size_of(
    const std::string& namespace_, const metav1::OwnerReference& owner) const {
  const api::ObjectKey key{namespace_, owner.name};
  if (owner.kind == "ReplicaSet") {
    const auto set = replica_sets_.get(key);
    if (!set || set->metadata.uid != owner.uid) return std::nullopt;
    const auto* above = api::controller_of(set->metadata);
    if (!above || above->kind != "Deployment") return set->spec.replicas.value_or(1);
    const auto deployment = deployments_.get({namespace_, above->name});
    if (!deployment || deployment->metadata.uid != above->uid) return std::nullopt;
    return deployment->spec.replicas.value_or(1);
  }
  if (owner.kind == "StatefulSet") {
    const auto set = stateful_sets_.get(key);
    if (!set || set->metadata.uid != owner.uid) return std::nullopt;
    return set->spec.replicas.value_or(1);
  }
  if (owner.kind == "ReplicationController") {
    const auto rc = replication_controllers_.get(key);
    if (!rc || rc->metadata.uid != owner.uid) return std::nullopt;
    return rc->spec.replicas.value_or(1);
  }
  return std::nullopt;
}

Result<std::int32_t> DisruptionController::size_of_controllers(const Budget& budget,
                                                               const std::vector<PodRef>& pods) {
  std::map<std::string, std::int32_t> sizes;  // by the controller's uid
  bool unmanaged = false;
  for (const auto& pod : pods) {
    const auto* owner = api::controller_of(pod->metadata);
    if (!owner) {
      unmanaged = true;
      continue;
    }
    if (sizes.contains(owner->uid)) continue;
    const auto size = size_of(pod->metadata.namespace_, *owner);
    if (!size) {
      return fail(Reason::kNotFound,
                  cat("found no controllers for pod ", quoted(pod->metadata.name)));
    }
    sizes[owner->uid] = *size;
  }
  if (unmanaged) {
    event(budget, "Warning", "UnmanagedPods",
          "Pods selected by this PodDisruptionBudget were found to be unmanaged. As a result, the "
          "status of the PDB cannot be calculated correctly, which may result in undefined "
          "behavior. To account for these pods please set \".spec.minAvailable\" field of the PDB "
          "to an integer value.");
  }
  // All sets of one deployment share its size.
  std::map<std::string, std::int32_t> by_owner;
  for (const auto& pod : pods) {
    const auto* owner = api::controller_of(pod->metadata);
    if (!owner) continue;
    std::string top = owner->uid;
    if (owner->kind == "ReplicaSet") {
      const auto set = replica_sets_.get({pod->metadata.namespace_, owner->name});
      const auto* above = set ? api::controller_of(set->metadata) : nullptr;
      if (above && above->kind == "Deployment") top = above->uid;
    }
    by_owner[top] = sizes[owner->uid];
  }
  std::int32_t total = 0;
  for (const auto& [uid, size] : by_owner) total += size;
  return total;
}

Result<DisruptionController::Expected> DisruptionController::expected(
    const Budget& budget, const std::vector<PodRef>& pods) {
  Expected out;
  const auto& spec = budget.spec;
  if (spec.max_unavailable) {
    KPP_ASSIGN(out.pods, size_of_controllers(budget, pods));
    out.healthy = std::max(0, out.pods - scaled(spec.max_unavailable, out.pods, Rounding::kUp));
  } else if (spec.min_available && spec.min_available->is_string) {
    KPP_ASSIGN(out.pods, size_of_controllers(budget, pods));
    out.healthy = scaled(spec.min_available, out.pods, Rounding::kUp);
  } else if (spec.min_available) {
    out.pods = static_cast<std::int32_t>(pods.size());
    out.healthy = spec.min_available->int_value;
  }
  return out;
}

std::map<std::string, api::Time> DisruptionController::still_disrupted(
    const Budget& budget, const std::vector<PodRef>& pods) {
  std::map<std::string, api::Time> out;
  for (const auto& pod : pods) {
    const auto it = budget.status.disrupted_pods.find(pod->metadata.name);
    if (it == budget.status.disrupted_pods.end() || pod->metadata.deletion_timestamp) continue;
    const auto left = it->second.wall() + kDeletionWithin - now();
    if (left <= left.zero()) {
      events().event(client::reference_to(corev1::Pod::desc(), pod->metadata), "Warning",
                     "NotDeleted",
                     cat("Pod was expected by PDB ", budget.metadata.namespace_, "/",
                         budget.metadata.name, " to be deleted but it wasn't"));
      continue;
    }
    queue().add_after(api::key_of(budget), std::chrono::duration_cast<Duration>(left));
    out[it->first] = it->second;
  }
  return out;
}

async::Task<Status> DisruptionController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto budget = budgets_.get(key);
  if (!budget) co_return Status();
  std::vector<PodRef> pods;
  for (const auto& pod : pods_.in_namespace(key.namespace_)) {
    if (selects_pod(*budget, *pod)) pods.push_back(pod);
  }
  if (pods.empty()) event(*budget, "Normal", "NoPods", "No matching pods found");
  Budget next = *budget;
  auto& status = next.status;
  const std::int64_t generation = budget->metadata.generation;
  const auto wanted = expected(*budget, pods);
  if (!wanted) {
    event(*budget, "Warning", "CalculateExpectedPodCountFailed",
          cat("Failed to calculate the number of expected pods: ", wanted.error().message()));
    status.disruptions_allowed = 0;
    status.observed_generation = generation;
    set_condition(status, "False", "SyncFailed", wanted.error().message(), generation, now());
  } else {
    status.disrupted_pods = still_disrupted(*budget, pods);
    status.current_healthy = 0;
    for (const auto& pod : pods) {
      if (pod->metadata.deletion_timestamp || status.disrupted_pods.contains(pod->metadata.name))
        continue;
      if (is_ready(*pod)) ++status.current_healthy;
    }
    status.desired_healthy = wanted->healthy;
    status.expected_pods = wanted->pods;
    status.disruptions_allowed =
        wanted->pods <= 0 ? 0 : std::max(0, status.current_healthy - wanted->healthy);
    status.observed_generation = generation;
    const bool allowed = status.disruptions_allowed > 0;
    set_condition(status, allowed ? "True" : "False",
                  allowed ? "SufficientPods" : "InsufficientPods", {}, generation, now());
  }
  if (api::equal(status, budget->status)) co_return Status();
  auto written = co_await client().update_status<Budget>(std::move(next), stop);
  if (!written && !written.error().is(Reason::kNotFound)) co_return std::move(written).error();
  co_return Status();
}

}  // namespace kpp::controllers
