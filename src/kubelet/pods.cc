#include "kubelet/pods.h"

#include "kubelet/admission.h"
#include "kubelet/container/resources.h"

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
      scope_(deps.executor) {
  informer_.add_handler([this](const PodRef& o, const PodRef& n) { changed(o, n); });
}

Pods::~Pods() = default;

void Pods::start() {
  informer_.start();
  pleg_.start();
}

async::Task<void> Pods::stop() {
  scope_.request_stop();
  co_await informer_.stop();
  co_await pleg_.stop();
  for (auto& [uid, worker] : workers_) co_await worker->stop();
  co_await scope_.join();
  workers_.clear();
}

void Pods::changed(const PodRef& old_pod, const PodRef& new_pod) {
  if (old_pod && (!new_pod || new_pod->metadata.uid != old_pod->metadata.uid)) {
    if (const auto it = workers_.find(old_pod->metadata.uid); it != workers_.end())
      it->second->removed();
  }
  if (!new_pod) return;
  auto& worker = workers_[new_pod->metadata.uid];
  if (worker) {
    worker->update(new_pod);
    return;
  }
  worker =
      std::make_unique<PodWorker>(deps_, new_pod, [this](const std::string& uid) { ended(uid); });
  // A pod that was taken once stays, whatever the node would say now.
  if (!new_pod->status.start_time && !new_pod->metadata.deletion_timestamp) {
    if (auto why = refusal_of(*new_pod, taken(new_pod->metadata.uid), deps_.node)) {
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
  scope_.spawn(drop(std::move(it->second)));
  workers_.erase(it);
}

async::Task<void> Pods::drop(std::unique_ptr<PodWorker> worker) { co_await worker->stop(); }

void Pods::poke(const std::string& uid) {
  if (const auto it = workers_.find(uid); it != workers_.end()) it->second->poke();
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
  if (!informer_.synced()) return;
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
