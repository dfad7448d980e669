// The revisions of a daemon set's template.
#include <algorithm>

#include "controllers/daemonset/daemonset_controller.h"
#include "controllers/ownership.h"

namespace kpp::controllers {
namespace {

bool may_adopt(const appsv1::ControllerRevision&) { return true; }

std::string hash_of(const appsv1::ControllerRevision& revision) {
  const auto it = revision.metadata.labels.find(kControllerRevisionHash);
  return it == revision.metadata.labels.end() ? revision.metadata.name : it->second;
}

}  // namespace

async::Task<Result<DaemonSetController::History>> DaemonSetController::construct_history(
    SetRef set, std::vector<PodRef> pods, async::StopToken stop) {
  auto claimed = co_await claim_all<appsv1::ControllerRevision>(
      client(), &appsv1::DaemonSet::desc(), set->metadata, *set->spec.selector,
      revisions_.in_namespace(set->metadata.namespace_), &may_adopt, stop);
  if (!claimed) co_return std::unexpected(std::move(claimed).error());
  const api::RawJson wanted = revision_data(set->spec.template_);
  std::vector<RevisionRef> current;
  History out;
  for (const auto& revision : *claimed) {
    (same_data(revision->data, wanted) ? current : out.old).push_back(revision);
  }
  const std::int64_t number = newest_revision(out.old) + 1;
  if (current.empty()) {
    auto created = co_await create_revision(set, number, stop);
    if (!created) co_return std::unexpected(std::move(created).error());
    out.hash = hash_of(**created);
    co_return out;
  }
  sort_by_revision(current);
  const RevisionRef kept = current.back();
  current.pop_back();
  out.hash = hash_of(*kept);
  if (!current.empty()) {
    Status status = co_await keep_one_current(std::move(current), out.hash, std::move(pods), stop);
    if (!status.ok()) co_return fail(std::move(status));
  }
  if (kept->revision < number) {
    appsv1::ControllerRevision next = *kept;
    next.revision = number;
    auto updated = co_await client().update<appsv1::ControllerRevision>(std::move(next), stop);
    if (!updated) co_return std::unexpected(std::move(updated).error());
  }
  co_return out;
}

async::Task<Result<RevisionRef>> DaemonSetController::create_revision(SetRef set,
                                                                      std::int64_t revision,
                                                                      async::StopToken stop) {
  const auto fresh = make_revision(appsv1::DaemonSet::desc(), set->metadata, set->spec.template_,
                                   set->status.collision_count, revision, kControllerRevisionHash);
  const api::ObjectKey key = api::key_of(fresh);
  auto created = co_await client().create<appsv1::ControllerRevision>(fresh, stop);
  if (created) co_return std::make_shared<const appsv1::ControllerRevision>(std::move(*created));
  if (!created.error().is(Reason::kAlreadyExists))
    co_return std::unexpected(std::move(created).error());
  auto there = co_await client().get<appsv1::ControllerRevision>(key, stop);
  if (!there) co_return std::unexpected(std::move(there).error());
  if (same_data(there->data, fresh.data) &&
      api::is_controlled_by(there->metadata, set->metadata.uid)) {
    co_return std::make_shared<const appsv1::ControllerRevision>(std::move(*there));
  }
  // Another template has this hash: the next try makes another name.
  auto latest = co_await client().get<appsv1::DaemonSet>(api::key_of(*set), stop);
  if (!latest) co_return std::unexpected(std::move(latest).error());
  if (latest->status.collision_count.value_or(0) == set->status.collision_count.value_or(0)) {
    latest->status.collision_count = latest->status.collision_count.value_or(0) + 1;
    auto counted = co_await client().update_status<appsv1::DaemonSet>(std::move(*latest), stop);
    if (!counted) co_return std::unexpected(std::move(counted).error());
  }
  co_return std::unexpected(std::move(created).error());
}

// Pods of the other revisions with the same template get the kept one's label.
async::Task<Status> DaemonSetController::keep_one_current(std::vector<RevisionRef> surplus,
                                                          std::string hash,
                                                          std::vector<PodRef> pods,
                                                          async::StopToken stop) {
  for (const auto& pod : pods) {
    const auto label = pod->metadata.labels.find(kControllerRevisionHash);
    if (label != pod->metadata.labels.end() && label->second == hash) continue;
    const bool same = std::any_of(surplus.begin(), surplus.end(), [&](const auto& r) {
      return label != pod->metadata.labels.end() && hash_of(*r) == label->second;
    });
    if (!same) continue;
    // The controller's role lets it patch pods, not update them.
    const json::Object patch{
        {"metadata",
         json::Object{{"labels", json::Object{{std::string(kControllerRevisionHash), hash}}}}}};
    auto patched = co_await client().patch<corev1::Pod>(
        api::key_of(*pod), client::PatchType::kStrategicMerge, json::write(patch), {}, stop);
    if (!patched) co_return std::move(patched).error();
  }
  for (const auto& revision : surplus) {
    Status status =
        co_await client().remove<appsv1::ControllerRevision>(api::key_of(*revision), {}, stop);
    if (!status.ok() && !status.is(Reason::kNotFound)) co_return status;
  }
  co_return Status();
}

async::Task<Status> DaemonSetController::clean_history(SetRef set, std::vector<RevisionRef> old,
                                                       std::vector<PodRef> pods,
                                                       async::StopToken stop) {
  const auto limit = static_cast<std::ptrdiff_t>(set->spec.revision_history_limit.value_or(10));
  auto excess = static_cast<std::ptrdiff_t>(old.size()) - limit;
  if (excess <= 0) co_return Status();
  std::set<std::string> live;
  for (const auto& pod : pods) {
    const auto label = pod->metadata.labels.find(kControllerRevisionHash);
    if (label != pod->metadata.labels.end()) live.insert(label->second);
  }
  sort_by_revision(old);
  for (const auto& revision : old) {
    if (excess <= 0) break;
    if (live.contains(hash_of(*revision))) continue;
    Status status =
        co_await client().remove<appsv1::ControllerRevision>(api::key_of(*revision), {}, stop);
    if (!status.ok() && !status.is(Reason::kNotFound)) co_return status;
    --excess;
  }
  co_return Status();
}

}  // namespace kpp::controllers
