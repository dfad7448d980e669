#include "controllers/garbage_collector/garbage_collector.h"

#include <algorithm>

#include "codec/json.h"
#include "controllers/served_types.h"

namespace kpp::controllers {
namespace {

constexpr int kWorkers = 20;
// After an object came with owners, or got others, before they are looked for: who makes owner and
// dependent together, or corrects the references at once, is not raced. The original takes about as
// long, since it looks for an owner that it has not seen first.
constexpr Duration kOwnersSettle = std::chrono::milliseconds(200);
constexpr Duration kSyncTimeout = std::chrono::seconds(30);

bool same_owners(const metav1::ObjectMeta& a, const metav1::ObjectMeta& b) {
  return std::equal(a.owner_references.begin(), a.owner_references.end(),
                    b.owner_references.begin(), b.owner_references.end(),
                    [](const auto& x, const auto& y) {
                      return x.uid == y.uid && x.block_owner_deletion.value_or(false) ==
                                                   y.block_owner_deletion.value_or(false);
                    });
}

bool waits_for_dependents(const metav1::ObjectMeta& meta) {
  return meta.deletion_timestamp && has_finalizer(meta, kForegroundFinalizer);
}

}  // namespace

GarbageCollector::GarbageCollector(ControllerContext context)
    : Controller(context, "garbage-collector-controller", "garbage-collector-controller", kWorkers),
      ready_(context.executor) {
  for (const auto* type : served_types({"list", "watch", "delete"})) {
    auto& informer = informers().get_metadata(*type);
    informer.add_handler(
        [this, type](const auto& before, const auto& after) { on_change(*type, before, after); });
    sources_.push_back(&informer);
  }
}

async::Task<void> GarbageCollector::run_beside(async::StopToken stop) {
  const TimePoint deadline = executor().steady() + kSyncTimeout;
  for (auto* informer : sources_) {
    while (!informer->synced() && executor().steady() < deadline) {
      const bool synced = co_await informer->wait_synced_for(deadline - executor().steady(), stop);
      if (stop.stop_requested()) co_return;
      if (!synced) break;
    }
  }
  ready_.set();
}

void GarbageCollector::on_change(const api::TypeDesc& type, const client::InformerBase::Ref& before,
                                 const client::InformerBase::Ref& after) {
  const auto& meta = *api::metadata(type, (after ? after : before)->data());
  const metav1::ObjectMeta* old = before ? api::metadata(type, before->data()) : nullptr;
  if (after && old && old->uid != meta.uid)
    on_change(type, before, nullptr);  // replaced between two lists
  if (!after) {
    graph_.remove(meta.uid);
    for (const auto& uid : graph_.dependents(meta.uid)) enqueue(uid);
  } else {
    graph_.set(type, after);
    const bool starts_deletion = meta.deletion_timestamp && (!old || !old->deletion_timestamp ||
                                                             old->finalizers != meta.finalizers);
    const bool new_owners = old ? !same_owners(*old, meta) : !meta.owner_references.empty();
    if (starts_deletion) {
      enqueue(meta.uid);
    } else if (new_owners) {
      queue().add_after({"", meta.uid}, kOwnersSettle);
    }
  }
  // An owner that waits for its dependents looks again.
  const bool may_unblock = !after || (old && !same_owners(*old, meta));
  if (!may_unblock) return;
  for (const auto& owner : (old ? *old : meta).owner_references) {
    const auto* node = graph_.find(owner.uid);
    if (node && waits_for_dependents(node->meta())) enqueue(owner.uid);
  }
}

async::Task<Status> GarbageCollector::reconcile(api::ObjectKey key, async::StopToken stop) {
  const bool ready = co_await ready_.wait(stop);
  if (!ready) co_return Status();
  const auto* found = graph_.find(key.name);
  if (!found) co_return Status();
  const OwnerGraph::Node node = *found;
  const auto& meta = node.meta();
  if (meta.deletion_timestamp) {
    if (has_finalizer(meta, kOrphanFinalizer)) co_return co_await orphan_dependents(node, stop);
    if (has_finalizer(meta, kForegroundFinalizer))
      co_return co_await delete_dependents_first(node, stop);
    co_return Status();
  }
  if (meta.owner_references.empty()) co_return Status();
  co_return co_await collect(node, stop);
}

async::Task<Status> GarbageCollector::collect(OwnerGraph::Node node, async::StopToken stop) {
  const auto key = api::key_of(node.meta());
  std::vector<std::string> absent, waiting;
  for (const auto& owner : node.meta().owner_references) {
    auto state = co_await state_of(owner, key.namespace_, stop);
    if (!state) co_return std::move(state).error();
    if (*state == OwnerState::kAbsent) absent.push_back(owner.uid);
    if (*state == OwnerState::kWaiting) waiting.push_back(owner.uid);
  }
  const std::size_t gone = absent.size() + waiting.size();
  if (gone == 0) co_return Status();
  if (gone < node.meta().owner_references.size()) {  // somebody still wants it
    absent.insert(absent.end(), waiting.begin(), waiting.end());
    co_return co_await remove_owners(node.type, node.meta(), std::move(absent), stop);
  }
  // What we know may be old: decide on the object as it is now.
  auto live = co_await client().get(*node.type, key, stop);
  if (!live) co_return live.error().is(Reason::kNotFound) ? Status() : std::move(live).error();
  const auto* meta = api::metadata(*live);
  if (meta->uid != node.meta().uid || meta->deletion_timestamp) co_return Status();
  if (!same_owners(*meta, node.meta()))
    co_return Status(Reason::kConflict, "the owners have changed");
  client::DeleteQuery query;
  query.uid = meta->uid;
  query.propagation_policy = "Background";
  const auto dependents = graph_.dependents(meta->uid);
  if (!waiting.empty() && !dependents.empty()) {
    // A dependent of its own is being deleted in the foreground: they may own each other.
    const bool in_circle =
        std::any_of(dependents.begin(), dependents.end(), [this](const auto& dependent) {
          const auto* other = graph_.find(dependent);
          return other && waits_for_dependents(other->meta());
        });
    if (in_circle) {
      Status status = co_await unblock_owners(node.type, *meta, stop);
      if (!status.ok()) co_return status;
    }
    query.propagation_policy = "Foreground";
  } else if (has_finalizer(*meta, kOrphanFinalizer)) {
    query.propagation_policy = "Orphan";
  } else if (has_finalizer(*meta, kForegroundFinalizer)) {
    query.propagation_policy = "Foreground";
  }
  Status status = co_await client().remove(*node.type, key, std::move(query), stop);
  if (status.is(Reason::kNotFound) || status.is(Reason::kConflict)) co_return Status();
  co_return status;
}

async::Task<Status> GarbageCollector::delete_dependents_first(OwnerGraph::Node node,
                                                              async::StopToken stop) {
  const auto& uid = node.meta().uid;
  for (const auto& dependent : graph_.dependents(uid)) {
    const auto* other = graph_.find(dependent);
    if (other && !other->meta().deletion_timestamp) enqueue(dependent);
  }
  if (!graph_.blocking_dependents(uid).empty()) co_return Status();
  co_return co_await remove_finalizer(node, kForegroundFinalizer, stop);
}

async::Task<Status> GarbageCollector::orphan_dependents(OwnerGraph::Node node,
                                                        async::StopToken stop) {
  for (const auto& uid : graph_.dependents(node.meta().uid)) {
    const auto* dependent = graph_.find(uid);
    if (!dependent) continue;
    Status status =
        co_await remove_owners(dependent->type, dependent->meta(), {node.meta().uid}, stop);
    if (!status.ok()) co_return status;
  }
  co_return co_await remove_finalizer(node, kOrphanFinalizer, stop);
}

async::Task<Status> GarbageCollector::remove_finalizer(OwnerGraph::Node node, std::string finalizer,
                                                       async::StopToken stop) {
  const auto key = api::key_of(node.meta());
  auto live = co_await client().get(*node.type, key, stop);
  if (!live) co_return live.error().is(Reason::kNotFound) ? Status() : std::move(live).error();
  const auto* meta = api::metadata(*live);
  if (meta->uid != node.meta().uid || !has_finalizer(*meta, finalizer)) co_return Status();
  json::Array left;
  for (const auto& f : meta->finalizers) {
    if (f != finalizer) left.push_back(json::Value(f));
  }
  const json::Value patch =
      json::Object{{"metadata", json::Object{{"resourceVersion", meta->resource_version},
                                             {"finalizers", std::move(left)}}}};
  auto patched = co_await client().patch(*node.type, key, client::PatchType::kMerge,
                                         json::write(patch), {}, stop);
  if (patched || patched.error().is(Reason::kNotFound)) co_return Status();
  co_return std::move(patched).error();
}

async::Task<Status> GarbageCollector::remove_owners(const api::TypeDesc* type,
                                                    metav1::ObjectMeta object,
                                                    std::vector<std::string> uids,
                                                    async::StopToken stop) {
  json::Array changes;
  for (const auto& uid : uids) changes.push_back(json::Object{{"$patch", "delete"}, {"uid", uid}});
  co_return co_await patch_owners(type, std::move(object), std::move(changes), stop);
}

async::Task<Status> GarbageCollector::unblock_owners(const api::TypeDesc* type,
                                                     metav1::ObjectMeta object,
                                                     async::StopToken stop) {
  json::Array changes;
  for (const auto& owner : object.owner_references) {
    if (owner.block_owner_deletion.value_or(false))
      changes.push_back(json::Object{{"uid", owner.uid}, {"blockOwnerDeletion", false}});
  }
  if (changes.empty()) co_return Status();
  co_return co_await patch_owners(type, std::move(object), std::move(changes), stop);
}

async::Task<Status> GarbageCollector::patch_owners(const api::TypeDesc* type,
                                                   metav1::ObjectMeta object, json::Array changes,
                                                   async::StopToken stop) {
  const json::Value patch = json::Object{
      {"metadata", json::Object{{"ownerReferences", std::move(changes)}, {"uid", object.uid}}}};
  auto patched = co_await client().patch(
      *type, api::key_of(object), client::PatchType::kStrategicMerge, json::write(patch), {}, stop);
  if (patched || patched.error().is(Reason::kNotFound)) co_return Status();
  if (patched.error().is(Reason::kConflict) || patched.error().is(Reason::kInvalid))
    co_return Status();
  co_return std::move(patched).error();
}

async::Task<Result<GarbageCollector::OwnerState>> GarbageCollector::state_of(
    metav1::OwnerReference owner, std::string namespace_, async::StopToken stop) {
  if (const auto* node = graph_.find(owner.uid)) {
    co_return waits_for_dependents(node->meta()) ? OwnerState::kWaiting : OwnerState::kSolid;
  }
  const auto slash = owner.api_version.find('/');
  const bool core = slash == std::string::npos;
  const auto* type =
      api::find_type(core ? "" : owner.api_version.substr(0, slash),
                     core ? owner.api_version : owner.api_version.substr(slash + 1), owner.kind);
  // An owner of a kind that we do not know may well exist.
  if (!type || !type->resource) co_return OwnerState::kSolid;
  auto live = co_await client().get(
      *type, {type->resource->namespaced ? namespace_ : "", owner.name}, stop);
  if (!live) {
    if (live.error().is(Reason::kNotFound)) co_return OwnerState::kAbsent;
    co_return std::unexpected(std::move(live).error());
  }
  const auto* meta = api::metadata(*live);
  if (meta->uid != owner.uid) co_return OwnerState::kAbsent;
  co_return waits_for_dependents(*meta) ? OwnerState::kWaiting : OwnerState::kSolid;
}

}  // namespace kpp::controllers
