// How a deployment's sets grow and shrink.
#include <algorithm>

#include "controllers/deployment/deployment_sync.h"
#include "controllers/deployment/progress.h"
#include "controllers/deployment/revisions.h"

namespace kpp::controllers {

async::Task<Result<bool>> DeploymentSync::scale_set(std::string name, std::int32_t size,
                                                    async::StopToken stop) {
  const auto it = std::find_if(sets_.begin(), sets_.end(),
                               [&](const auto& set) { return set.metadata.name == name; });
  if (it == sets_.end()) co_return false;
  const std::int32_t before = wanted(*it);
  appsv1::ReplicaSet next = *it;
  const bool annotated = annotate_replicas(next, wanted(d_), wanted(d_) + max_surge(d_));
  if (before == size && !annotated) co_return false;
  next.spec.replicas = size;
  auto updated = co_await deps_.client.update<appsv1::ReplicaSet>(std::move(next), stop);
  if (!updated) co_return std::unexpected(std::move(updated).error());
  for (auto& set : sets_) {
    if (set.metadata.name == name) set = std::move(*updated);
  }
  if (before == size) co_return false;
  event("Normal", "ScalingReplicaSet",
        cat("Scaled ", before < size ? "up" : "down", " replica set ", name, " from ", before,
            " to ", size));
  co_return true;
}

async::Task<Status> DeploymentSync::scale(async::StopToken stop) {
  SetList active = active_old_sets();
  const auto* latest = newest();
  const bool newest_active = latest && wanted(*latest) > 0;
  if (newest_active) active.push_back(latest);
  if (active.size() <= 1) {
    const appsv1::ReplicaSet* only = active.empty() ? latest : active.front();
    if (!only && !sets_.empty()) only = &sets_.back();
    if (!only || wanted(*only) == wanted(d_)) co_return Status();
    auto scaled = co_await scale_set(only->metadata.name, wanted(d_), stop);
    if (!scaled) co_return std::move(scaled).error();
    co_return Status();
  }
  std::vector<std::pair<std::string, std::int32_t>> sizes;
  const bool saturated = latest && wanted(*latest) == wanted(d_) &&
                         annotated_replicas(*latest, kDesiredReplicas) == wanted(d_) &&
                         latest->status.available_replicas == wanted(d_);
  if (saturated) {
    for (const auto* set : active_old_sets()) sizes.emplace_back(set->metadata.name, 0);
  } else if (is_rolling(d_)) {
    const auto proportional = proportional_sizes(d_, active);
    for (std::size_t i = 0; i < active.size(); ++i)
      sizes.emplace_back(active[i]->metadata.name, proportional[i]);
  }
  for (const auto& [name, size] : sizes) {
    auto scaled = co_await scale_set(name, size, stop);
    if (!scaled) co_return std::move(scaled).error();
  }
  co_return Status();
}

async::Task<Status> DeploymentSync::roll(async::StopToken stop) {
  KPP_CO_RETURN_IF_ERROR(co_await sync_revision(true, stop));
  auto changed = co_await grow_newest(stop);
  if (!changed) co_return std::move(changed).error();
  if (!*changed) {
    changed = co_await shrink_old(stop);
    if (!changed) co_return std::move(changed).error();
  }
  if (!*changed && is_complete(d_, d_.status)) KPP_CO_RETURN_IF_ERROR(co_await clean_up(stop));
  co_return co_await write_rollout_status(stop);
}

async::Task<Status> DeploymentSync::recreate(async::StopToken stop) {
  KPP_CO_RETURN_IF_ERROR(co_await sync_revision(false, stop));
  std::vector<std::string> active;
  for (const auto* set : active_old_sets()) active.push_back(set->metadata.name);
  for (const auto& name : active) {
    auto scaled = co_await scale_set(name, 0, stop);
    if (!scaled) co_return std::move(scaled).error();
  }
  if (!active.empty()) co_return co_await write_rollout_status(stop);
  const SetList old = old_sets();
  const bool running = std::any_of(old.begin(), old.end(),
                                   [](const auto* set) { return set->status.replicas > 0; }) ||
                       other_pods_run_(newest());
  if (running) co_return co_await write_rollout_status(stop);
  KPP_CO_RETURN_IF_ERROR(co_await sync_revision(true, stop));
  if (const auto* latest = newest()) {
    auto scaled = co_await scale_set(latest->metadata.name, wanted(d_), stop);
    if (!scaled) co_return std::move(scaled).error();
  }
  if (is_complete(d_, d_.status)) KPP_CO_RETURN_IF_ERROR(co_await clean_up(stop));
  co_return co_await write_rollout_status(stop);
}

async::Task<Result<bool>> DeploymentSync::grow_newest(async::StopToken stop) {
  const auto* latest = newest();
  if (!latest || wanted(*latest) == wanted(d_)) co_return false;
  const std::int32_t size = wanted(*latest) > wanted(d_)
                                ? wanted(d_)
                                : new_set_size(d_, sum_wanted(all()), wanted(*latest));
  co_return co_await scale_set(latest->metadata.name, size, stop);
}

async::Task<Result<bool>> DeploymentSync::shrink_old(async::StopToken stop) {
  if (sum_wanted(old_sets()) == 0) co_return false;
  const auto* latest = newest();
  const std::int32_t least = wanted(d_) - max_unavailable(d_);
  const std::int32_t unavailable_new =
      latest ? wanted(*latest) - latest->status.available_replicas : 0;
  const std::int32_t most = sum_wanted(all()) - least - unavailable_new;
  if (most <= 0) co_return false;
  struct Step {
    std::string name;
    std::int32_t size;
  };
  // First what serves nobody anyway.
  std::vector<Step> steps;
  std::int32_t taken = 0;
  for (const auto* set : active_old_sets()) {
    if (taken >= most) break;
    const std::int32_t idle = wanted(*set) - set->status.available_replicas;
    const std::int32_t count = std::min(most - taken, idle);
    if (count <= 0) continue;
    steps.push_back({set->metadata.name, wanted(*set) - count});
    taken += count;
  }
  bool changed = false;
  for (const auto& step : steps) {
    auto scaled = co_await scale_set(step.name, step.size, stop);
    if (!scaled) co_return std::unexpected(std::move(scaled).error());
    changed |= *scaled;
  }
  // Then as many that serve as availability allows.
  steps.clear();
  std::int32_t left = sum_available(all()) - least;
  for (const auto* set : active_old_sets()) {
    if (left <= 0) break;
    const std::int32_t count = std::min(wanted(*set), left);
    steps.push_back({set->metadata.name, wanted(*set) - count});
    left -= count;
  }
  for (const auto& step : steps) {
    auto scaled = co_await scale_set(step.name, step.size, stop);
    if (!scaled) co_return std::unexpected(std::move(scaled).error());
    changed |= *scaled;
  }
  co_return changed;
}

}  // namespace kpp::controllers
