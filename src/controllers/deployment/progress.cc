#include "controllers/deployment/progress.h"

#include <algorithm>
#include <limits>

#include "base/cat.h"

namespace kpp::controllers {
namespace {

bool is_progressing(const appsv1::Deployment& d, const appsv1::DeploymentStatus& now) {
  const auto& before = d.status;
  return now.updated_replicas > before.updated_replicas ||
         now.replicas - now.updated_replicas < before.replicas - before.updated_replicas ||
         now.ready_replicas > before.ready_replicas ||
         now.available_replicas > before.available_replicas;
}

bool has_timed_out(const appsv1::Deployment& d, const appsv1::DeploymentStatus& status,
                   WallTime now) {
  const auto* condition = deployment_condition(status, "Progressing");
  if (!condition || condition->reason == "NewReplicaSetAvailable") return false;
  if (condition->reason == "ProgressDeadlineExceeded") return true;
  const auto deadline = std::chrono::seconds(*d.spec.progress_deadline_seconds);
  return condition->last_update_time.wall() + deadline < now;
}

const appsv1::ReplicaSetCondition* replica_failure(
    const std::vector<const appsv1::ReplicaSet*>& all, const appsv1::ReplicaSet* newest) {
  const auto of = [](const appsv1::ReplicaSet& set) -> const appsv1::ReplicaSetCondition* {
    for (const auto& c : set.status.conditions) {
      if (c.type == "ReplicaFailure") return &c;
    }
    return nullptr;
  };
  if (newest) {
    if (const auto* found = of(*newest)) return found;
  }
  for (const auto* set : all) {
    if (const auto* found = of(*set)) return found;
  }
  return nullptr;
}

std::string subject(const appsv1::Deployment& d, const appsv1::ReplicaSet* newest) {
  return newest ? cat("ReplicaSet ", quoted(newest->metadata.name))
                : cat("Deployment ", quoted(d.metadata.name));
}

void update_progressing(const appsv1::Deployment& d, const appsv1::ReplicaSet* newest,
                        appsv1::DeploymentStatus& status, WallTime now) {
  const auto* current = deployment_condition(d.status, "Progressing");
  if (status.replicas == status.updated_replicas && current &&
      current->reason == "NewReplicaSetAvailable")
    return;
  if (is_complete(d, status)) {
    set_condition(status,
                  make_condition("Progressing", "True", "NewReplicaSetAvailable",
                                 cat(subject(d, newest), " has successfully progressed."), now));
  } else if (is_progressing(d, status)) {
    auto condition = make_condition("Progressing", "True", "ReplicaSetUpdated",
                                    cat(subject(d, newest), " is progressing."), now);
    if (current) {
      if (current->status == "True") condition.last_transition_time = current->last_transition_time;
      remove_condition(status, "Progressing");
    }
    set_condition(status, std::move(condition));
  } else if (has_timed_out(d, status, now)) {
    set_condition(status,
                  make_condition("Progressing", "False", "ProgressDeadlineExceeded",
                                 cat(subject(d, newest), " has timed out progressing."), now));
  }
}

}  // namespace

bool has_progress_deadline(const appsv1::Deployment& d) {
  return d.spec.progress_deadline_seconds &&
         *d.spec.progress_deadline_seconds != std::numeric_limits<std::int32_t>::max();
}

const appsv1::DeploymentCondition* deployment_condition(const appsv1::DeploymentStatus& status,
                                                        std::string_view type) {
  const auto& all = status.conditions;
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.type == type; });
  return it == all.end() ? nullptr : &*it;
}

appsv1::DeploymentCondition make_condition(std::string_view type, std::string_view status,
                                           std::string_view reason, std::string message,
                                           WallTime now) {
  appsv1::DeploymentCondition out;
  out.type = type;
  out.status = status;
  out.reason = reason;
  out.message = std::move(message);
  out.last_update_time = api::Time::from(now);
  out.last_transition_time = out.last_update_time;
  return out;
}

void set_condition(appsv1::DeploymentStatus& status, appsv1::DeploymentCondition condition) {
  if (const auto* current = deployment_condition(status, condition.type)) {
    if (current->status == condition.status && current->reason == condition.reason) return;
    if (current->status == condition.status)
      condition.last_transition_time = current->last_transition_time;
  }
  remove_condition(status, condition.type);
  status.conditions.push_back(std::move(condition));
}

void remove_condition(appsv1::DeploymentStatus& status, std::string_view type) {
  std::erase_if(status.conditions, [&](const auto& c) { return c.type == type; });
}

appsv1::DeploymentStatus deployment_status(const appsv1::Deployment& d,
                                           const std::vector<const appsv1::ReplicaSet*>& all,
                                           const appsv1::ReplicaSet* newest, WallTime now) {
  appsv1::DeploymentStatus out;
  out.observed_generation = d.metadata.generation;
  out.updated_replicas = newest ? newest->status.replicas : 0;
  out.available_replicas = sum_available(all);
  out.unavailable_replicas = std::max(0, sum_wanted(all) - out.available_replicas);
  out.terminating_replicas = 0;
  for (const auto* set : all) {
    out.replicas += set->status.replicas;
    out.ready_replicas += set->status.ready_replicas;
    *out.terminating_replicas += set->status.terminating_replicas.value_or(0);
  }
  out.collision_count = d.status.collision_count;
  out.conditions = d.status.conditions;
  const bool available = out.available_replicas >= wanted(d) - max_unavailable(d);
  set_condition(out, available
                         ? make_condition("Available", "True", "MinimumReplicasAvailable",
                                          "Deployment has minimum availability.", now)
                         : make_condition("Available", "False", "MinimumReplicasUnavailable",
                                          "Deployment does not have minimum availability.", now));
  return out;
}

appsv1::DeploymentStatus rollout_status(const appsv1::Deployment& d,
                                        const std::vector<const appsv1::ReplicaSet*>& all,
                                        const appsv1::ReplicaSet* newest, WallTime now) {
  auto out = deployment_status(d, all, newest, now);
  if (has_progress_deadline(d)) {
    update_progressing(d, newest, out, now);
  } else {
    remove_condition(out, "Progressing");
  }
  if (const auto* failure = replica_failure(all, newest)) {
    auto condition =
        make_condition("ReplicaFailure", failure->status, failure->reason, failure->message, now);
    condition.last_update_time = failure->last_transition_time;
    condition.last_transition_time = failure->last_transition_time;
    set_condition(out, std::move(condition));
  } else {
    remove_condition(out, "ReplicaFailure");
  }
  return out;
}

bool is_complete(const appsv1::Deployment& d, const appsv1::DeploymentStatus& status) {
  return status.updated_replicas == wanted(d) && status.replicas == wanted(d) &&
         status.available_replicas == wanted(d) &&
         status.observed_generation >= d.metadata.generation;
}

std::optional<Duration> until_deadline(const appsv1::Deployment& d,
                                       const appsv1::DeploymentStatus& status, WallTime now) {
  const auto* condition = deployment_condition(d.status, "Progressing");
  if (!has_progress_deadline(d) || !condition) return std::nullopt;
  if (is_complete(d, status) || condition->reason == "ProgressDeadlineExceeded")
    return std::nullopt;
  const auto deadline = std::chrono::seconds(*d.spec.progress_deadline_seconds);
  const Duration left = condition->last_update_time.wall() + deadline - now;
  return std::max<Duration>(left, Duration::zero()) + std::chrono::seconds(1);
}

}  // namespace kpp::controllers
