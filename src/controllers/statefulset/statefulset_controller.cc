#include "controllers/statefulset/statefulset_controller.h"

#include <algorithm>

#include "controllers/ownership.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr const char* kHashLabel = "controller.kubernetes.io/hash";

bool may_adopt_revision(const appsv1::ControllerRevision&) { return true; }

}  // namespace

StatefulSetController::StatefulSetController(ControllerContext context)
    : Controller(context, "statefulset-controller", "statefulset-controller"),
      sets_(watch_keys<appsv1::StatefulSet>()),
      revisions_(read<appsv1::ControllerRevision>()),
      pods_(watch<corev1::Pod>(
          [this](const PodRef& before, const PodRef& after) { on_pod(before, after); })),
      claims_(read<corev1::PersistentVolumeClaim>()) {}

StatefulSetController::SetRef StatefulSetController::set_of(
    const std::string& namespace_, const metav1::OwnerReference* controller) const {
  if (!controller || controller->kind != "StatefulSet") return nullptr;
  auto set = sets_.get({namespace_, controller->name});
  return set && set->metadata.uid == controller->uid ? set : nullptr;
}

void StatefulSetController::on_pod(const PodRef& before, const PodRef& after) {
  for (const auto& pod : {before, after}) {
    if (!pod) continue;
    const auto set = set_of(pod->metadata.namespace_, api::controller_of(pod->metadata));
    if (set) queue().add(api::key_of(*set));
  }
  if (!after || api::controller_of(after->metadata)) return;
  for (const auto& set : sets_.in_namespace(after->metadata.namespace_)) {
    if (set->spec.selector && !is_empty(*set->spec.selector) &&
        selects(*set->spec.selector, after->metadata.labels)) {
      queue().add(api::key_of(*set));
    }
  }
}

// Only pods that bear the set's name are adopted.
async::Task<Result<std::vector<PodRef>>> StatefulSetController::claim_pods(SetRef set,
                                                                           async::StopToken stop) {
  std::vector<PodRef> candidates;
  for (const auto& pod : pods_.in_namespace(set->metadata.namespace_)) {
    const bool ours = api::is_controlled_by(pod->metadata, set->metadata.uid);
    if (ours || ordinal_of(*set, *pod) >= 0) candidates.push_back(pod);
  }
  co_return co_await claim_all<corev1::Pod>(
      client(), &appsv1::StatefulSet::desc(), set->metadata, *set->spec.selector,
      std::move(candidates), [](const corev1::Pod&) { return true; }, stop);
}

async::Task<Status> StatefulSetController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const SetRef set = sets_.get(key);
  if (!set || !set->spec.selector) co_return Status();
  auto pods = co_await claim_pods(set, stop);
  if (!pods) co_return std::move(pods).error();
  auto history = co_await claim_all<appsv1::ControllerRevision>(
      client(), &appsv1::StatefulSet::desc(), set->metadata, *set->spec.selector,
      revisions_.in_namespace(key.namespace_), &may_adopt_revision, stop);
  if (!history) co_return std::move(history).error();
  sort_by_revision(*history);
  auto revisions = co_await find_revisions(set, *history, stop);
  if (!revisions) co_return std::move(revisions).error();
  StatefulSetSync sync({executor(), client(), events(), queue(), claims_}, *set, *pods, *revisions);
  KPP_CO_RETURN_IF_ERROR(co_await sync.run(stop));
  co_return co_await clean_history(set, std::move(*history), std::move(*pods), *revisions, stop);
}

async::Task<Result<StatefulSetSync::Revisions>> StatefulSetController::find_revisions(
    SetRef set, std::vector<RevisionRef> all, async::StopToken stop) {
  StatefulSetSync::Revisions out;
  out.collision_count = set->status.collision_count.value_or(0);
  const api::RawJson wanted = revision_data(set->spec.template_);
  const std::int64_t next = newest_revision(all) + 1;
  RevisionRef same;
  for (const auto& revision : all) {
    if (same_data(revision->data, wanted)) same = revision;
  }
  if (same && same == all.back()) {
    out.update = same;
  } else if (same) {  // back to an old template: its revision becomes the newest
    appsv1::ControllerRevision raised = *same;
    raised.revision = next;
    auto updated = co_await client().update<appsv1::ControllerRevision>(std::move(raised), stop);
    if (!updated) co_return std::unexpected(std::move(updated).error());
    out.update = std::make_shared<const appsv1::ControllerRevision>(std::move(*updated));
  } else {
    auto created = co_await create_revision(set, next, out.collision_count, stop);
    if (!created) co_return std::unexpected(std::move(created).error());
    out.update = *created;
  }
  for (const auto& revision : all) {
    if (revision->metadata.name == set->status.current_revision) out.current = revision;
  }
  if (!out.current) out.current = out.update;
  co_return out;
}

async::Task<Result<RevisionRef>> StatefulSetController::create_revision(SetRef set,
                                                                        std::int64_t number,
                                                                        std::int32_t& collisions,
                                                                        async::StopToken stop) {
  while (true) {
    const auto fresh = make_revision(appsv1::StatefulSet::desc(), set->metadata,
                                     set->spec.template_, collisions, number, kHashLabel);
    auto created = co_await client().create<appsv1::ControllerRevision>(fresh, stop);
    if (created) co_return std::make_shared<const appsv1::ControllerRevision>(std::move(*created));
    if (!created.error().is(Reason::kAlreadyExists))
      co_return std::unexpected(std::move(created).error());
    auto there = co_await client().get<appsv1::ControllerRevision>(api::key_of(fresh), stop);
    if (!there) co_return std::unexpected(std::move(there).error());
    if (same_data(there->data, fresh.data) &&
        api::is_controlled_by(there->metadata, set->metadata.uid)) {
      co_return std::make_shared<const appsv1::ControllerRevision>(std::move(*there));
    }
    ++collisions;
  }
}

async::Task<Status> StatefulSetController::clean_history(SetRef set, std::vector<RevisionRef> all,
                                                         std::vector<PodRef> pods,
                                                         StatefulSetSync::Revisions revisions,
                                                         async::StopToken stop) {
  std::set<std::string> live = {revisions.current->metadata.name, revisions.update->metadata.name};
  for (const auto& pod : pods) live.insert(revision_of(*pod));
  std::erase_if(all, [&](const auto& r) { return live.contains(r->metadata.name); });
  const auto limit = static_cast<std::ptrdiff_t>(set->spec.revision_history_limit.value_or(10));
  const auto excess = static_cast<std::ptrdiff_t>(all.size()) - limit;
  for (std::ptrdiff_t i = 0; i < excess; ++i) {
    Status status = co_await client().remove<appsv1::ControllerRevision>(
        api::key_of(*all[static_cast<std::size_t>(i)]), {}, stop);
    if (!status.ok() && !status.is(Reason::kNotFound)) co_return status;
  }
  co_return Status();
}

}  // namespace kpp::controllers
