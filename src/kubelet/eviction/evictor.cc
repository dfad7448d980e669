#include "kubelet/eviction/evictor.h"

#include <sys/stat.h>

#include "base/fs.h"
#include "kubelet/container/sandbox_config.h"
#include "kubelet/eviction/local_storage.h"

namespace kpp::kubelet {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(10);

// Disk space of a file or of a tree; links are not followed. Blocks.
std::int64_t disk_usage(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return 0;
  std::int64_t out = static_cast<std::int64_t>(info.st_blocks) * 512;
  if (!S_ISDIR(info.st_mode)) return out;
  const auto names = fs::list(path);
  if (!names) return out;
  for (const auto& name : *names) out += disk_usage(cat(path, "/", name));
  return out;
}

// Adds to what the runtime said of a pod what lies in the kubelet's own directories. Blocks.
LocalUsage measure(const corev1::Pod& pod, LocalUsage usage, const std::string& logs,
                   const std::string& volumes) {
  for (auto& [name, bytes] : usage.containers) bytes += disk_usage(cat(logs, "/", name));
  for (const auto& volume : pod.spec.volumes) {
    for (const char* kind : {"empty-dir", "configmap"}) {
      const std::string path = cat(volumes, "/kubernetes.io~", kind, "/", volume.name);
      if (fs::exists(path)) usage.volumes[volume.name] += disk_usage(path);
    }
  }
  return usage;
}

}  // namespace

async::Task<void> Evictor::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

async::Task<void> Evictor::look(async::StopToken stop) {
  std::vector<PodRef> limited;
  for (const PodWorker* worker : pods_.all()) {
    if (worker->state() == PodWorker::State::kSyncing && limits_local_storage(*worker->pod()))
      limited.push_back(worker->pod());
  }
  if (limited.empty()) co_return;
  auto stats = co_await deps_.runtime.list_container_stats(stop);
  if (!stats) co_return;
  std::map<std::string, LocalUsage> by_uid;
  for (const auto& one : *stats) {
    if (!one.attributes) continue;
    const auto uid = one.attributes->labels.find(label::kPodUid);
    const auto name = one.attributes->labels.find(label::kContainerName);
    if (uid == one.attributes->labels.end() || name == one.attributes->labels.end()) continue;
    std::int64_t& bytes = by_uid[uid->second].containers[name->second];
    if (one.writable_layer && one.writable_layer->used_bytes)
      bytes += static_cast<std::int64_t>(one.writable_layer->used_bytes->value);
  }
  for (const auto& pod : limited) {
    const LocalUsage usage = co_await async::offload(
        deps_.executor, deps_.pool,
        [pod, known = by_uid[pod->metadata.uid], logs = pod_log_directory(deps_.options, *pod),
         volumes = pod_directory(deps_.options, pod->metadata.uid) + "/volumes"] {
          return measure(*pod, known, logs, volumes);
        });
    if (stop.stop_requested()) co_return;
    if (auto why = exceeded_storage(*pod, usage)) pods_.evict(pod->metadata.uid, std::move(*why));
  }
}

async::Task<void> Evictor::run() {
  const async::StopToken stop = scope_.stop_token();
  while (!stop.stop_requested()) {
    const bool slept = co_await async::sleep_for(deps_.executor, kPeriod, stop);
    if (!slept) co_return;
    co_await look(stop);
  }
}

}  // namespace kpp::kubelet
