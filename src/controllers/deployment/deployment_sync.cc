#include "controllers/deployment/deployment_sync.h"

#include <algorithm>

#include "api/json_codec.h"
#include "controllers/deployment/progress.h"
#include "controllers/deployment/revisions.h"
#include "controllers/deployment/template_hash.h"

namespace kpp::controllers {

DeploymentSync::DeploymentSync(Deps deps, appsv1::Deployment deployment, Sets sets,
                               std::function<bool(const appsv1::ReplicaSet*)> other_pods_run)
    : deps_(deps),
      d_(std::move(deployment)),
      sets_(std::move(sets)),
      other_pods_run_(std::move(other_pods_run)) {
  std::sort(sets_.begin(), sets_.end(), [](const auto& a, const auto& b) {
    if (a.metadata.creation_timestamp != b.metadata.creation_timestamp) {
      return a.metadata.creation_timestamp < b.metadata.creation_timestamp;
    }
    return a.metadata.name < b.metadata.name;
  });
}

appsv1::ReplicaSet* DeploymentSync::newest() {
  for (auto& set : sets_) {
    if (same_template(set.spec.template_, d_.spec.template_)) return &set;
  }
  return nullptr;
}

DeploymentSync::SetList DeploymentSync::all() const {
  SetList out;
  for (const auto& set : sets_) out.push_back(&set);
  return out;
}

DeploymentSync::SetList DeploymentSync::old_sets() {
  const auto* skip = newest();
  SetList out;
  for (const auto& set : sets_) {
    if (&set != skip) out.push_back(&set);
  }
  return out;
}

DeploymentSync::SetList DeploymentSync::active_old_sets() {
  SetList out = old_sets();
  std::erase_if(out, [](const auto* set) { return wanted(*set) == 0; });
  return out;
}

bool DeploymentSync::is_scaling() const {
  return std::any_of(sets_.begin(), sets_.end(), [&](const auto& set) {
    const auto desired = annotated_replicas(set, kDesiredReplicas);
    return wanted(set) > 0 && desired >= 0 && desired != wanted(d_);
  });
}

void DeploymentSync::event(std::string_view type, std::string_view reason, std::string message) {
  deps_.events.event(client::reference_to(appsv1::Deployment::desc(), d_.metadata), type, reason,
                     std::move(message));
}

async::Task<Status> DeploymentSync::run(async::StopToken stop) {
  if (d_.metadata.deletion_timestamp) {
    KPP_CO_RETURN_IF_ERROR(co_await sync_revision(false, stop));
    co_return co_await write_status(deployment_status(d_, all(), newest(), now()), stop);
  }
  KPP_CO_RETURN_IF_ERROR(co_await check_paused(stop));
  if (d_.spec.paused || is_scaling()) {
    KPP_CO_RETURN_IF_ERROR(co_await sync_revision(false, stop));
    KPP_CO_RETURN_IF_ERROR(co_await scale(stop));
    if (d_.spec.paused) KPP_CO_RETURN_IF_ERROR(co_await clean_up(stop));
    co_return co_await write_status(deployment_status(d_, all(), newest(), now()), stop);
  }
  if (d_.spec.strategy.type == "Recreate") co_return co_await recreate(stop);
  co_return co_await roll(stop);
}

async::Task<Status> DeploymentSync::check_paused(async::StopToken stop) {
  if (!has_progress_deadline(d_)) co_return Status();
  const auto* current = deployment_condition(d_.status, "Progressing");
  if (current && current->reason == "ProgressDeadlineExceeded") co_return Status();
  const bool noted = current && current->reason == "DeploymentPaused";
  if (noted == d_.spec.paused) co_return Status();
  appsv1::DeploymentStatus status = d_.status;
  set_condition(status, d_.spec.paused
                            ? make_condition("Progressing", "Unknown", "DeploymentPaused",
                                             "Deployment is paused", now())
                            : make_condition("Progressing", "Unknown", "DeploymentResumed",
                                             "Deployment is resumed", now()));
  co_return co_await write_status(std::move(status), stop);
}

async::Task<Status> DeploymentSync::sync_revision(bool create, async::StopToken stop) {
  if (newest()) co_return co_await adjust_newest(stop);
  if (create) co_return co_await create_newest(stop);
  co_return Status();
}

async::Task<Status> DeploymentSync::adjust_newest(async::StopToken stop) {
  const std::int64_t revision = newest_revision(old_sets()) + 1;
  appsv1::ReplicaSet set = *newest();
  const bool annotated = annotate_new_set(d_, set, revision, true);
  if (annotated || set.spec.min_ready_seconds != d_.spec.min_ready_seconds) {
    set.spec.min_ready_seconds = d_.spec.min_ready_seconds;
    auto updated = co_await deps_.client.update<appsv1::ReplicaSet>(std::move(set), stop);
    if (!updated) co_return std::move(updated).error();
    *newest() = std::move(*updated);
  }
  appsv1::Deployment next = d_;
  const std::string text = std::to_string(revision_of(newest()->metadata));
  bool changed = next.metadata.annotations[kRevision] != text;
  next.metadata.annotations[kRevision] = text;
  if (has_progress_deadline(d_) && !deployment_condition(d_.status, "Progressing")) {
    set_condition(
        next.status,
        make_condition("Progressing", "True", "FoundNewReplicaSet",
                       cat("Found new replica set ", quoted(newest()->metadata.name)), now()));
    changed = true;
  }
  if (!changed) co_return Status();
  auto updated = co_await deps_.client.update_status<appsv1::Deployment>(std::move(next), stop);
  if (!updated) co_return std::move(updated).error();
  d_ = std::move(*updated);
  co_return Status();
}

async::Task<Status> DeploymentSync::create_newest(async::StopToken stop) {
  const std::string hash = template_hash(d_.spec.template_, d_.status.collision_count);
  const std::int64_t revision = newest_revision(all()) + 1;
  appsv1::ReplicaSet set;
  set.metadata.name = cat(d_.metadata.name, "-", hash);
  set.metadata.namespace_ = d_.metadata.namespace_;
  set.metadata.owner_references.push_back(
      api::controller_reference(appsv1::Deployment::desc(), d_.metadata));
  set.spec.template_ = d_.spec.template_;
  set.spec.template_.metadata.labels[kPodTemplateHash] = hash;
  set.metadata.labels = set.spec.template_.metadata.labels;
  set.spec.min_ready_seconds = d_.spec.min_ready_seconds;
  set.spec.selector = d_.spec.selector;
  set.spec.selector.ensure().match_labels[kPodTemplateHash] = hash;
  const std::int32_t size = new_set_size(d_, sum_wanted(all()), 0);
  set.spec.replicas = size;
  annotate_new_set(d_, set, revision, false);
  const std::string name = set.metadata.name;

  auto created = co_await deps_.client.create<appsv1::ReplicaSet>(std::move(set), stop);
  if (!created && created.error().is(Reason::kAlreadyExists))
    co_return co_await handle_collision(name, stop);
  appsv1::Deployment next = d_;
  if (!created) {
    Status error = std::move(created).error();
    if (has_progress_deadline(d_)) {
      set_condition(next.status, make_condition("Progressing", "False", "ReplicaSetCreateError",
                                                cat("Failed to create new replica set ",
                                                    quoted(name), ": ", error.message()),
                                                now()));
      // The reason for the failure counts, whether or not it could be noted.
      (void)co_await deps_.client.update_status<appsv1::Deployment>(std::move(next), stop);
    }
    co_return error;
  }
  sets_.push_back(std::move(*created));
  if (size > 0)
    event("Normal", "ScalingReplicaSet", cat("Scaled up replica set ", name, " from 0 to ", size));
  next.metadata.annotations[kRevision] = std::to_string(revision);
  if (has_progress_deadline(d_)) {
    set_condition(next.status,
                  make_condition("Progressing", "True", "NewReplicaSetCreated",
                                 cat("Created new replica set ", quoted(name)), now()));
  }
  auto updated = co_await deps_.client.update_status<appsv1::Deployment>(std::move(next), stop);
  if (!updated) co_return std::move(updated).error();
  d_ = std::move(*updated);
  co_return Status();
}

async::Task<Status> DeploymentSync::handle_collision(std::string name, async::StopToken stop) {
  auto there = co_await deps_.client.get<appsv1::ReplicaSet>({d_.metadata.namespace_, name}, stop);
  if (!there) co_return std::move(there).error();
  if (api::is_controlled_by(there->metadata, d_.metadata.uid) &&
      same_template(there->spec.template_, d_.spec.template_)) {
    sets_.push_back(std::move(*there));  // made by us, and our cache did not know yet
    co_return Status();
  }
  appsv1::DeploymentStatus status = d_.status;
  status.collision_count = status.collision_count.value_or(0) + 1;
  KPP_CO_RETURN_IF_ERROR(co_await write_status(std::move(status), stop));
  co_return Status(Reason::kAlreadyExists,
                   cat("replicasets.apps ", quoted(name), " already exists"));
}

async::Task<Status> DeploymentSync::clean_up(async::StopToken stop) {
  const auto limit = d_.spec.revision_history_limit;
  if (!limit || *limit == std::numeric_limits<std::int32_t>::max()) co_return Status();
  SetList old = old_sets();
  std::erase_if(old, [](const auto* set) { return set->metadata.deletion_timestamp.has_value(); });
  const auto excess = static_cast<std::ptrdiff_t>(old.size()) - *limit;
  if (excess <= 0) co_return Status();
  std::sort(old.begin(), old.end(), [](const auto* a, const auto* b) {
    return revision_of(a->metadata) < revision_of(b->metadata);
  });
  std::vector<api::ObjectKey> doomed;
  for (std::ptrdiff_t i = 0; i < excess; ++i) {
    const auto& set = *old[static_cast<std::size_t>(i)];
    const bool settled = set.status.replicas == 0 && wanted(set) == 0 &&
                         set.metadata.generation <= set.status.observed_generation;
    if (settled) doomed.push_back(api::key_of(set));
  }
  for (const auto& key : doomed) {
    Status status = co_await deps_.client.remove<appsv1::ReplicaSet>(key, {}, stop);
    if (!status.ok() && !status.is(Reason::kNotFound)) co_return status;
  }
  co_return Status();
}

async::Task<Status> DeploymentSync::write_rollout_status(async::StopToken stop) {
  auto status = rollout_status(d_, all(), newest(), now());
  if (const auto again = until_deadline(d_, status, now()))
    deps_.queue.add_after(api::key_of(d_), *again);
  co_return co_await write_status(std::move(status), stop);
}

async::Task<Status> DeploymentSync::write_status(appsv1::DeploymentStatus status,
                                                 async::StopToken stop) {
  if (api::equal(status, d_.status)) co_return Status();
  appsv1::Deployment next = d_;
  next.status = std::move(status);
  auto updated = co_await deps_.client.update_status<appsv1::Deployment>(std::move(next), stop);
  if (!updated) co_return std::move(updated).error();
  d_ = std::move(*updated);
  co_return Status();
}

}  // namespace kpp::controllers
