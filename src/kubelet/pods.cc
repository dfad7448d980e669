#include "kubelet/pods.h"

#include <algorithm>

#include "base/fs.h"
#include "kubelet/admission.h"
#include "kubelet/container/resources.h"
#include "kubelet/static/static_pod.h"

namespace kpp::kubelet {
namespace {

client::ListQuery on_node(const std::string& node) {
  client::ListQuery out;
  out.field_selector = cat("spec.nodeName=", node);
  return out;
}

}  // namespace

Pods::Pods(const PodDeps& deps)
    : deps_(deps),
      informer_(deps.executor, deps.client, deps.log, {}, on_node(deps.options.node_name)),
      pleg_(
          deps.executor, deps.runtime, deps.log, [this](const std::string& uid) { poke(uid); },
          [this](const auto& sandboxes) { runtime_listed(sandboxes); }),
      folder_(deps.executor, deps.pool, deps.log, deps.options.static_pod_path,
              deps.options.node_name, [this](const auto& pods) { static_changed(pods); }),
      mirrors_(deps.executor, deps.client, deps.log, deps.node_uid,
               [this](const PodRef& pod, const PodRef& mirror) {
                 if (const auto it = workers_.find(pod->metadata.uid); it != workers_.end())
                   it->second->mirrored(*mirror);
               }),
      scope_(deps.executor) {
  informer_.add_handler([this](const PodRef& o, const PodRef& n) { changed(o, n); });
}

Pods::~Pods() = default;

void Pods::start() {
  pleg_.start();
  folder_.start();
  mirrors_.start();
  scope_.spawn(tell_mirrors());
}

async::Task<void> Pods::tell_mirrors() {
  const bool synced = co_await informer_.wait_synced(scope_.stop_token());
  if (synced) mirrors_.synced();
}

async::Task<void> Pods::stop() {
  scope_.request_stop();
  co_await informer_.stop();
  co_await folder_.stop();
  co_await mirrors_.stop();
  co_await pleg_.stop();
  for (auto& [uid, worker] : workers_) co_await worker->stop();
  co_await scope_.join();
  workers_.clear();
}

// What the folder does not have any more ends; what it has newly starts as soon as no other static
// pod of the name is left.
void Pods::static_changed(const PodFolder::Pods& pods) {
  static_pods_ = pods;
  folder_read_ = true;
  for (auto& [uid, worker] : workers_) {
    if (worker && is_static(*worker->pod()) && !pods.contains(uid)) worker->removed();
  }
  std::map<api::ObjectKey, PodRef> wanted;
  for (const auto& [uid, pod] : pods) wanted[api::key_of(*pod)] = pod;
  mirrors_.want(std::move(wanted));
  start_static();
}

void Pods::start_static() {
  for (const auto& [uid, pod] : static_pods_) {
    if (workers_.contains(uid)) continue;
    const bool waits = std::ranges::any_of(workers_, [&](const auto& item) {
      return item.second && is_static(*item.second->pod()) &&
             api::key_of(*item.second->pod()) == api::key_of(*pod);
    });
    if (waits) continue;
    add(pod);
    mirrors_.look();
  }
}

void Pods::room_may_be_made() {
  for (auto& [uid, worker] : workers_) {
    if (worker && worker->waits_for_room()) worker->poke();
  }
}

void Pods::changed(const PodRef& old_pod, const PodRef& new_pod) {
  room_may_be_made();
  if (is_mirror(new_pod ? *new_pod : *old_pod)) {
    mirrors_.seen(api::key_of(new_pod ? *new_pod : *old_pod), new_pod);
    return;
  }
  if (old_pod && (!new_pod || new_pod->metadata.uid != old_pod->metadata.uid)) {
    if (const auto it = workers_.find(old_pod->metadata.uid); it != workers_.end())
      it->second->removed();
  }
  if (!new_pod) return;
  if (const auto it = workers_.find(new_pod->metadata.uid); it != workers_.end()) {
    it->second->update(new_pod);
    return;
  }
  add(new_pod);
}

void Pods::add(const PodRef& new_pod) {
  auto& worker = workers_[new_pod->metadata.uid];
  worker =
      std::make_unique<PodWorker>(deps_, new_pod, [this](const std::string& uid) { ended(uid); });
  // A pod that was taken once stays, whatever the node would say now.
  if (!new_pod->status.start_time && !new_pod->metadata.deletion_timestamp) {
    if (auto why = refusal_of(*new_pod, taken(new_pod->metadata.uid), deps_.node,
                              deps_.node_labels ? deps_.node_labels() : NodeLabels())) {
      worker->refuse(std::move(*why));
    }
  }
  worker->start();
}

std::vector<PodRef> Pods::taken(const std::string& except) const {
  std::vector<PodRef> out;
  for (const auto& [uid, worker] : workers_) {
    if (uid == except || !worker) continue;
    const auto state = worker->state();
    if (state != PodWorker::State::kSyncing && state != PodWorker::State::kTerminating) continue;
    out.push_back(worker->pod());
  }
  return out;
}

void Pods::ended(const std::string& uid) {
  const auto it = workers_.find(uid);
  if (it == workers_.end()) return;
  const bool was_static = is_static(*it->second->pod());
  scope_.spawn(drop(std::move(it->second)));
  workers_.erase(it);
  if (was_static) start_static();
}

async::Task<void> Pods::drop(std::unique_ptr<PodWorker> worker) { co_await worker->stop(); }

void Pods::poke(const std::string& uid) {
  if (const auto it = workers_.find(uid); it != workers_.end()) it->second->poke();
}

void Pods::evict(const std::string& uid, std::string why) {
  if (const auto it = workers_.find(uid); it != workers_.end()) it->second->evict(std::move(why));
}

const PodWorker* Pods::find(const std::string& namespace_, const std::string& name) const {
  const PodWorker* out = nullptr;
  for (const auto& [uid, worker] : workers_) {
    const auto& meta = worker->pod()->metadata;
    if (meta.namespace_ != namespace_ || meta.name != name) continue;
    if (out == nullptr || out->pod()->metadata.creation_timestamp < meta.creation_timestamp)
      out = worker.get();
  }
  return out;
}

std::vector<const PodWorker*> Pods::all() const {
  std::vector<const PodWorker*> out;
  for (const auto& [uid, worker] : workers_) out.push_back(worker.get());
  return out;
}

void Pods::runtime_listed(const std::map<std::string, std::vector<std::string>>& sandboxes_by_uid) {
  if (!informer_.synced() || !folder_read_) return;
  std::erase_if(orphans_, [&](const auto& item) { return !sandboxes_by_uid.contains(item.first); });
  for (const auto& [uid, sandboxes] : sandboxes_by_uid) {
    if (workers_.contains(uid)) {
      orphans_.erase(uid);
      continue;
    }
    constexpr int kSureAfter = 3;  // lists; a pod that was just made may not be in the informer yet
    int& seen = orphans_[uid];
    if (seen < 0 || ++seen < kSureAfter) continue;
    seen = -1;
    scope_.spawn(remove_orphan(uid, sandboxes));
  }
  if (--lists_until_sweep_ > 0) return;
  constexpr int kListsBetweenSweeps = 300;
  lists_until_sweep_ = kListsBetweenSweeps;
  std::set<std::string> in_runtime;
  for (const auto& [uid, sandboxes] : sandboxes_by_uid) in_runtime.insert(uid);
  scope_.spawn(sweep_directories(std::move(in_runtime)));
}

async::Task<void> Pods::sweep_directories(std::set<std::string> in_runtime) {
  const std::string folder = cat(deps_.options.root_dir, "/pods");
  const auto names = co_await async::offload(deps_.executor, deps_.pool, [folder] {
    return fs::list(folder).value_or(std::vector<std::string>());
  });
  for (const auto& uid : names) {
    if (in_runtime.contains(uid) || workers_.contains(uid)) continue;
    deps_.log.info("Removing what a pod left that the API does not have", {kv("podUID", uid)});
    const Status done =
        co_await PodVolumes::tear_down(deps_.executor, deps_.pool, cat(folder, "/", uid));
    if (!done.ok())
      deps_.log.warning("Orphaned pod found, but volume paths are still present on disk",
                        {kv("podUID", uid), kv("err", done.to_string())});
  }
}

async::Task<void> Pods::remove_orphan(std::string uid, std::vector<std::string> sandboxes) {
  deps_.log.info("Removing sandboxes of a pod that the API does not have", {kv("podUID", uid)});
  const async::StopToken stop = scope_.stop_token();
  for (const auto& id : sandboxes) {
    Status done = co_await deps_.runtime.stop_sandbox(id, stop);
    if (done.ok()) done = co_await deps_.runtime.remove_sandbox(id, stop);
    if (!done.ok() && !done.is(Reason::kNotFound)) {
      deps_.log.warning("Failed to remove a sandbox",
                        {kv("sandbox", id), kv("err", done.to_string())});
    }
  }
  (void)co_await PodVolumes::tear_down(deps_.executor, deps_.pool,
                                       cat(deps_.options.root_dir, "/pods/", uid));
  orphans_.erase(uid);
}

}  // namespace kpp::kubelet
