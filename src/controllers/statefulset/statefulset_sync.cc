#include "controllers/statefulset/statefulset_sync.h"

#include <algorithm>
#include <ranges>

#include "api/json_codec.h"
#include "controllers/percent.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

bool is_running_and_ready(const corev1::Pod& pod) {
  return pod.status.phase == "Running" && is_ready(pod);
}

}  // namespace

StatefulSetSync::StatefulSetSync(Deps deps, appsv1::StatefulSet set, std::vector<PodRef> pods,
                                 Revisions revisions)
    : deps_(std::move(deps)),
      set_(std::move(set)),
      pods_(std::move(pods)),
      revisions_(std::move(revisions)) {
  status_.observed_generation = set_.metadata.generation;
  status_.current_revision = revisions_.current->metadata.name;
  status_.update_revision = revisions_.update->metadata.name;
  status_.collision_count = revisions_.collision_count;
  status_.conditions = set_.status.conditions;
}

bool StatefulSetSync::available(const corev1::Pod& pod) const {
  return is_running_and_ready(pod) &&
         is_available(pod, set_.spec.min_ready_seconds, deps_.executor.wall());
}
bool StatefulSetSync::healthy(const corev1::Pod& pod) const {
  return available(pod) && !pod.metadata.deletion_timestamp;
}

void StatefulSetSync::event(const std::string& verb, const std::string& name,
                            const Status& status) {
  const auto about = client::reference_to(appsv1::StatefulSet::desc(), set_.metadata);
  const std::string what = cat(verb, " Pod ", name, " in StatefulSet ", set_.metadata.name);
  if (status.ok()) {
    deps_.events.event(about, "Normal", "Successful" + verb, what + " successful");
  } else {
    std::string text = what;
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
    deps_.events.event(about, "Warning", "Failed" + verb,
                       cat(text, " failed error: ", status.message()));
  }
}

async::Task<Status> StatefulSetSync::run(async::StopToken stop) {
  const Status acted = co_await act(stop);
  const Status written = co_await write_status(stop);
  if (!acted.ok()) co_return acted;
  if (!written.ok()) co_return written;
  if (set_.spec.min_ready_seconds > 0 && status_.available_replicas != status_.ready_replicas) {
    deps_.queue.add_after(api::key_of(set_), std::chrono::seconds(set_.spec.min_ready_seconds));
  }
  co_return Status();
}

void StatefulSetSync::count(const corev1::Pod& pod, int sign) {
  const std::string revision = revision_of(pod);
  if (revision == status_.current_revision) status_.current_replicas += sign;
  if (revision == status_.update_revision) status_.updated_replicas += sign;
}

bool StatefulSetSync::made_from_current(std::int32_t ordinal) const {
  const auto& strategy = set_.spec.update_strategy;
  if (strategy.type == "OnDelete") return false;
  const std::int32_t start = first_ordinal(set_);
  if (!strategy.rolling_update || !strategy.rolling_update->partition) {
    return ordinal < start + set_.status.current_replicas;
  }
  return ordinal < start + *strategy.rolling_update->partition;
}

Result<StatefulSetSync::Slot> StatefulSetSync::fresh_slot(std::int32_t ordinal) const {
  const auto& revision = made_from_current(ordinal) ? revisions_.current : revisions_.update;
  Slot out;
  if (revision == revisions_.update) {
    out.pod = stateful_pod(set_, set_.spec.template_, ordinal, revision->metadata.name);
    return out;
  }
  KPP_ASSIGN(const corev1::PodTemplateSpec body, template_of(*revision));
  out.pod = stateful_pod(set_, body, ordinal, revision->metadata.name);
  return out;
}

async::Task<Status> StatefulSetSync::act(async::StopToken stop) {
  std::map<std::int32_t, PodRef> wanted_pods;
  for (const auto& pod : pods_) {
    ++status_.replicas;
    if (is_running_and_ready(*pod)) {
      ++status_.ready_replicas;
      if (available(*pod)) ++status_.available_replicas;
    }
    if (!pod->metadata.deletion_timestamp) count(*pod, 1);
    const std::int32_t ordinal = ordinal_of(set_, *pod);
    if (in_range(set_, ordinal)) {
      wanted_pods[ordinal] = pod;
    } else if (ordinal >= 0) {
      condemned_.push_back(*pod);
    }
  }
  std::sort(condemned_.begin(), condemned_.end(), [this](const auto& a, const auto& b) {
    return ordinal_of(set_, a) > ordinal_of(set_, b);
  });
  for (std::int32_t i = 0; i < wanted(set_); ++i) {
    const std::int32_t ordinal = first_ordinal(set_) + i;
    const auto it = wanted_pods.find(ordinal);
    if (it != wanted_pods.end()) {
      replicas_.push_back({*it->second, true});
    } else {
      KPP_CO_ASSIGN(Slot slot, fresh_slot(ordinal));
      replicas_.push_back(std::move(slot));
    }
  }
  if (set_.metadata.deletion_timestamp) co_return Status();
  for (auto& slot : replicas_) {
    auto waits = co_await tend_replica(slot, stop);
    if (!waits) co_return std::move(waits).error();
    if (*waits) co_return Status();
  }
  for (std::size_t i = 0; i < condemned_.size(); ++i) {
    KPP_CO_RETURN_IF_ERROR(co_await update_claim_owners(condemned_[i], stop));
    auto waits = co_await tend_condemned(i, stop);
    if (!waits) co_return std::move(waits).error();
    if (*waits) co_return Status();
  }
  co_return co_await roll(stop);
}

async::Task<Result<bool>> StatefulSetSync::tend_replica(Slot& slot, async::StopToken stop) {
  if (slot.exists && is_finished(slot.pod)) {
    // Its name is needed: it goes first, and the next look makes it again.
    if (!slot.pod.metadata.deletion_timestamp) {
      Status status = co_await delete_pod(slot.pod, stop);
      if (!status.ok()) co_return fail(std::move(status));
    }
    co_return true;
  }
  if (!slot.exists) {
    Status status = co_await create_pod(slot, stop);
    if (!status.ok()) co_return fail(std::move(status));
    ++status_.replicas;
    count(slot.pod, 1);
    co_return !is_parallel();
  }
  if (slot.pod.metadata.deletion_timestamp) co_return !is_parallel();
  if (slot.pod.status.phase == "Pending") {
    Status status = co_await create_claims(slot.pod, stop);
    if (!status.ok()) co_return fail(std::move(status));
  }
  if (!is_parallel() && !available(slot.pod)) {
    if (is_running_and_ready(slot.pod)) {
      deps_.queue.add_after(api::key_of(set_), std::chrono::seconds(set_.spec.min_ready_seconds));
    }
    co_return true;
  }
  Status status = co_await update_claim_owners(slot.pod, stop);
  if (status.ok() && (!identity_matches(set_, slot.pod) || !storage_matches(set_, slot.pod)))
    status = co_await update_pod(slot.pod, stop);
  if (!status.ok()) co_return fail(std::move(status));
  co_return false;
}

async::Task<Result<bool>> StatefulSetSync::tend_condemned(std::size_t index,
                                                          async::StopToken stop) {
  const auto& pod = condemned_[index];
  if (pod.metadata.deletion_timestamp) co_return !is_parallel();
  // One that does not serve holds up those after it, unless it is the first of the whole set.
  if (!is_parallel() && !available(pod) && !is_first_sick(pod)) co_return true;
  Status status = co_await delete_pod(pod, stop);
  if (!status.ok()) co_return fail(std::move(status));
  count(pod, -1);
  co_return !is_parallel();
}

bool StatefulSetSync::is_first_sick(const corev1::Pod& pod) const {
  const auto sick = [](const corev1::Pod& p) {
    return p.metadata.deletion_timestamp || !is_running_and_ready(p);
  };
  if (std::ranges::any_of(replicas_, [&](const auto& slot) { return sick(slot.pod); }))
    return false;
  const auto first = std::ranges::find_if(condemned_ | std::views::reverse, sick);
  return first != std::ranges::rend(condemned_) && first->metadata.uid == pod.metadata.uid;
}

async::Task<Status> StatefulSetSync::roll(async::StopToken stop) {
  const auto& strategy = set_.spec.update_strategy;
  if (strategy.type == "OnDelete") co_return Status();
  std::int32_t lowest = 0;
  std::int32_t most = 1;
  if (strategy.rolling_update) {
    lowest = strategy.rolling_update->partition.value_or(0);
    if (strategy.rolling_update->max_unavailable) {
      most = std::max(
          1, scaled(strategy.rolling_update->max_unavailable, wanted(set_), Rounding::kUp));
    }
  }
  std::int32_t unavailable = 0;
  for (const auto& slot : replicas_) {
    if (!healthy(slot.pod)) ++unavailable;
  }
  for (auto it = replicas_.rbegin(); it != replicas_.rend(); ++it) {
    if (replicas_.rend() - it - 1 < lowest) break;
    const bool old = revision_of(it->pod) != status_.update_revision;
    if (old && !it->pod.metadata.deletion_timestamp && it->exists) {
      const bool was_healthy = healthy(it->pod);
      if (was_healthy && unavailable >= most) break;
      KPP_CO_RETURN_IF_ERROR(co_await delete_pod(it->pod, stop));
      if (revision_of(it->pod) == status_.current_revision) --status_.current_replicas;
      if (was_healthy) ++unavailable;
    }
    if (unavailable >= most && (!healthy(it->pod) || old)) break;
  }
  co_return Status();
}

async::Task<Status> StatefulSetSync::create_pod(Slot& slot, async::StopToken stop) {
  KPP_CO_RETURN_IF_ERROR(co_await create_claims(slot.pod, stop));
  auto created = co_await deps_.client.create<corev1::Pod>(slot.pod, stop);
  const Status status = created ? Status() : created.error();
  if (!status.is(Reason::kAlreadyExists)) event("Create", slot.pod.metadata.name, status);
  if (!created) co_return status;
  slot.pod = std::move(*created);
  slot.exists = true;
  co_return co_await update_claim_owners(slot.pod, stop);
}

async::Task<Status> StatefulSetSync::update_pod(corev1::Pod pod, async::StopToken stop) {
  set_identity(set_, pod);
  set_storage(set_, pod);
  const std::string name = pod.metadata.name;
  auto updated = co_await deps_.client.update<corev1::Pod>(std::move(pod), stop);
  const Status status = updated ? Status() : updated.error();
  if (!status.is(Reason::kConflict)) event("Update", name, status);
  co_return status;
}

async::Task<Status> StatefulSetSync::delete_pod(corev1::Pod pod, async::StopToken stop) {
  client::DeleteQuery query;
  query.uid = pod.metadata.uid;
  Status status = co_await deps_.client.remove<corev1::Pod>(api::key_of(pod), query, stop);
  if (status.is(Reason::kNotFound)) co_return Status();
  event("Delete", pod.metadata.name, status);
  co_return status;
}

async::Task<Status> StatefulSetSync::create_claims(corev1::Pod pod, async::StopToken stop) {
  for (auto& claim : claims_of(set_, ordinal_of(set_, pod))) {
    const auto key = api::key_of(claim);
    const auto there = deps_.claims.get(key);
    if (there && there->metadata.deletion_timestamp) {
      co_return Status(Reason::kConflict, cat("pvc ", key.name, " is being deleted"));
    }
    if (there) continue;
    set_claim_owners(set_, pod, claim);
    auto created = co_await deps_.client.create<corev1::PersistentVolumeClaim>(claim, stop);
    if (!created && created.error().is(Reason::kAlreadyExists)) continue;
    const auto about = client::reference_to(appsv1::StatefulSet::desc(), set_.metadata);
    const std::string what = cat("reate Claim ", key.name, " Pod ", pod.metadata.name,
                                 " in StatefulSet ", set_.metadata.name);
    if (!created) {
      Status status = std::move(created).error();
      deps_.events.event(about, "Warning", "FailedCreate",
                         cat("c", what, " failed error: ", status.message()));
      co_return status;
    }
    deps_.events.event(about, "Normal", "SuccessfulCreate", cat("C", what, " success"));
  }
  co_return Status();
}

async::Task<Status> StatefulSetSync::update_claim_owners(corev1::Pod pod, async::StopToken stop) {
  for (const auto& claim : claims_of(set_, ordinal_of(set_, pod))) {
    const auto there = deps_.claims.get(api::key_of(claim));
    if (!there) continue;
    corev1::PersistentVolumeClaim next = *there;
    if (!set_claim_owners(set_, pod, next)) continue;
    auto updated =
        co_await deps_.client.update<corev1::PersistentVolumeClaim>(std::move(next), stop);
    if (!updated && !updated.error().is(Reason::kNotFound)) co_return std::move(updated).error();
  }
  co_return Status();
}

async::Task<Status> StatefulSetSync::write_status(async::StopToken stop) {
  // A roll-out is over when all pods are the new revision's and serve.
  if (set_.spec.update_strategy.type != "OnDelete" &&
      status_.updated_replicas == status_.replicas && status_.ready_replicas == status_.replicas &&
      status_.updated_replicas == wanted(set_)) {
    status_.current_replicas = status_.updated_replicas;
    status_.current_revision = status_.update_revision;
  }
  if (api::equal(status_, set_.status)) co_return Status();
  appsv1::StatefulSet next = set_;
  next.status = status_;
  auto written = co_await deps_.client.update_status<appsv1::StatefulSet>(std::move(next), stop);
  if (written || written.error().is(Reason::kNotFound)) co_return Status();
  co_return std::move(written).error();
}

}  // namespace kpp::controllers
