#include "kubelet/volumes/pod_volumes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "api/node_match.h"
#include "api/pod_amounts.h"
#include "api/volume_match.h"
#include "base/fs.h"
#include "kubelet/container/resources.h"
#include "kubelet/volumes/ownership.h"
#include "linux/mounts.h"

namespace kpp::kubelet {
namespace {

std::string_view plugin_of(const corev1::VolumeSource& source) {
  if (source.empty_dir) return "kubernetes.io~empty-dir";
  if (source.config_map) return "kubernetes.io~configmap";
  if (source.secret) return "kubernetes.io~secret";
  if (source.projected) return "kubernetes.io~projected";
  if (source.downward_api) return "kubernetes.io~downward-api";
  if (source.nfs) return "kubernetes.io~nfs";
  return {};
}

std::optional<std::int64_t> group_of(const corev1::Pod& pod) {
  return pod.spec.security_context ? pod.spec.security_context->fs_group : std::nullopt;
}

bool changes_root_only(const corev1::Pod& pod) {
  const auto& security = pod.spec.security_context;
  return security && security->fs_group_change_policy.value_or("") == "OnRootMismatch";
}

// What an emptyDir in memory may hold: no more than the pod as a whole, where that has a limit. 0:
// the kernel's own limit.
std::int64_t memory_of(const corev1::Pod& pod, const corev1::EmptyDirVolumeSource& source) {
  std::int64_t out = source.size_limit ? quantity_value(*source.size_limit) : 0;
  const auto limits = api::pod_total(pod.spec, &corev1::ResourceRequirements::limits);
  const auto& all = pod.spec.containers;
  const bool limited = std::all_of(all.begin(), all.end(), [](const auto& container) {
    return container.resources.limits.contains("memory");
  });
  const auto memory = limits.find("memory");
  if (limited && memory != limits.end()) {
    const std::int64_t most = quantity_value(memory->second);
    if (most > 0 && (out == 0 || most < out)) out = most;
  }
  return out;
}

// The directory of a volume: on disk, or a file system in memory of the given size. Kept if it is
// there.
Status make_directory(const std::string& path, bool in_memory, std::int64_t size,
                      std::optional<std::int64_t> group) {
  const bool existed = fs::exists(path);
  if (!existed) KPP_RETURN_IF_ERROR(fs::make_directories(path, 0755));
  bool fresh = !existed;
  if (in_memory) {
    KPP_ASSIGN(const bool mounted, sys::is_mount_point(path));
    if (!mounted) {
      const std::string options =
          size > 0 ? cat("mode=1777,size=", size) : std::string("mode=1777");
      const Status with_noswap = sys::mount_tmpfs(path, options + ",noswap", false);
      if (!with_noswap.ok()) KPP_RETURN_IF_ERROR(sys::mount_tmpfs(path, options, false));
      fresh = true;
    }
  }
  if (!fresh) return {};
  mode_t mode = in_memory ? 01777 : 0777;
  if (group) {
    if (::chown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(*group)) != 0) {
      return errno_status(cat("chown ", path), errno);
    }
    mode |= 02000;
  }
  if (::chmod(path.c_str(), mode) != 0) return errno_status(cat("chmod ", path), errno);
  return {};
}

Status check_host_path(const corev1::HostPathVolumeSource& source) {
  const std::string type = source.type.value_or("");
  if (type.empty()) return {};
  struct stat info{};
  const bool there = ::stat(source.path.c_str(), &info) == 0;
  if (type == "DirectoryOrCreate") {
    if (!there) return fs::make_directories(source.path, 0755);
    if (S_ISDIR(info.st_mode)) return {};
    return {Reason::kInvalid,
            cat("hostPath type check failed: ", source.path, " is not a directory")};
  }
  if (type == "FileOrCreate") {
    if (!there) return fs::write_file_atomic(source.path, "", 0644);
    if (S_ISREG(info.st_mode)) return {};
    return {Reason::kInvalid, cat("hostPath type check failed: ", source.path, " is not a file")};
  }
  const auto expect = [&](bool right, std::string_view what) -> Status {
    if (there && right) return {};
    return {Reason::kInvalid, cat("hostPath type check failed: ", source.path, " is not ", what)};
  };
  if (type == "Directory") return expect(S_ISDIR(info.st_mode), "a directory");
  if (type == "File") return expect(S_ISREG(info.st_mode), "a file");
  if (type == "Socket") return expect(S_ISSOCK(info.st_mode), "a socket file");
  if (type == "CharDevice") return expect(S_ISCHR(info.st_mode), "a character device");
  if (type == "BlockDevice") return expect(S_ISBLK(info.st_mode), "a block device");
  return {Reason::kInvalid, cat(type, " is an invalid volume type")};
}

}  // namespace

PodVolumes::PodVolumes(async::Executor& executor, async::ThreadPool& pool, client::Client& client,
                       PayloadSources sources, std::string pod_directory, Node node)
    : executor_(executor),
      pool_(pool),
      client_(client),
      sources_(sources),
      pod_directory_(std::move(pod_directory)),
      node_(std::move(node)) {}

std::string PodVolumes::path_of(const corev1::Volume& volume) const {
  if (volume.volume_source.host_path) return volume.volume_source.host_path->path;
  if (const auto it = bound_.find(volume.name); it != bound_.end()) {
    if (it->second.source.host_path) return it->second.source.host_path->path;
    return cat(pod_directory_, "/volumes/kubernetes.io~nfs/", it->second.name);
  }
  return cat(pod_directory_, "/volumes/", plugin_of(volume.volume_source), "/", volume.name);
}

async::Task<Status> PodVolumes::set_up_nfs(corev1::NFSVolumeSource source,
                                           std::vector<std::string> options, std::string target) {
  co_return co_await async::offload(
      executor_, pool_,
      [source = std::move(source), options = std::move(options), target = std::move(target)] {
        return mount_nfs(source, options, target);
      });
}

async::Task<Status> PodVolumes::mount_claim(std::shared_ptr<const corev1::Pod> pod,
                                            corev1::Volume volume, async::StopToken stop) {
  if (bound_.contains(volume.name)) co_return Status();
  auto bound = co_await bound_volume(client_, pod, volume, std::move(stop));
  if (!bound) {
    if (bound.error().is(Reason::kCanceled)) co_return std::move(bound).error();
    co_return Status(Reason::kInvalid,
                     cat("Unable to attach or mount volumes: unmounted volumes=[", volume.name,
                         "], unattached volumes=[], failed to process volumes=[", volume.name,
                         "]: ", bound.error().message()));
  }
  const auto failed = [&bound](std::string_view step, std::string_view why) {
    return Status(Reason::kInvalid, cat("MountVolume.", step, " failed for volume ",
                                        quoted(bound->name), " : ", why));
  };
  if (bound->reach && bound->reach->required &&
      !api::matches(*bound->reach->required, node_.object())) {
    co_return failed("NodeAffinity check", "no matching NodeSelectorTerms");
  }
  Status done;
  if (bound->source.nfs) {
    done = co_await set_up_nfs(*bound->source.nfs, bound->mount_options,
                               cat(pod_directory_, "/volumes/kubernetes.io~nfs/", bound->name));
  } else {
    const corev1::HostPathVolumeSource path = *bound->source.host_path;
    const bool there =
        co_await async::offload(executor_, pool_, [p = path.path] { return fs::exists(p); });
    if (bound->local && !there) {
      co_return failed("NewMounter initialization",
                       cat("path ", quoted(path.path), " does not exist"));
    }
    const auto group = bound->local ? group_of(*pod) : std::nullopt;
    done = co_await async::offload(executor_, pool_,
                                   [path, group, read_only = bound->read_only,
                                    only_root = changes_root_only(*pod)]() -> Status {
                                     KPP_RETURN_IF_ERROR(check_host_path(path));
                                     if (!group || read_only) return {};
                                     return give_to_group(path.path, static_cast<gid_t>(*group),
                                                          false, only_root);
                                   });
  }
  if (!done.ok()) co_return failed("SetUp", done.message());
  bound_[volume.name] = std::move(*bound);
  co_return done;
}

async::Task<Status> PodVolumes::set_up_one(std::shared_ptr<const corev1::Pod> pod,
                                           corev1::Volume volume, PodFacts facts,
                                           async::StopToken stop) {
  const corev1::VolumeSource& source = volume.volume_source;
  if (source.host_path) {
    co_return co_await async::offload(executor_, pool_,
                                      [path = *source.host_path] { return check_host_path(path); });
  }
  const std::string path = path_of(volume);
  const auto group = group_of(*pod);
  if (source.empty_dir) {
    const bool in_memory = source.empty_dir->medium == "Memory";
    if (source.empty_dir->medium.starts_with("HugePages")) {
      co_return Status(Reason::kInvalid, cat("emptyDir of medium ", source.empty_dir->medium,
                                             " is not supported by this kubelet"));
    }
    const std::int64_t size = in_memory ? memory_of(*pod, *source.empty_dir) : 0;
    co_return co_await async::offload(executor_, pool_,
                                      [=] { return make_directory(path, in_memory, size, group); });
  }
  if (source.nfs) co_return co_await set_up_nfs(*source.nfs, {}, path);
  if (!has_payload(source)) {
    co_return Status(Reason::kInvalid, "volumes of this kind are not supported by this kubelet");
  }
  auto payload = co_await make_payload(sources_, pod, source, std::move(facts), std::move(stop));
  if (!payload) co_return std::move(payload).error();
  if (const auto it = written_.find(volume.name); it != written_.end() && it->second == *payload)
    co_return Status();
  const bool in_memory = !source.config_map;
  const WallTime now = executor_.wall();
  const Status done = co_await async::offload(
      executor_, pool_, [=, files = *payload, size = node_.memory_capacity]() -> Status {
        KPP_RETURN_IF_ERROR(make_directory(path, in_memory, size, group));
        return write_payload(path, files, now, group);
      });
  if (done.ok()) written_[volume.name] = std::move(*payload);
  co_return done;
}

async::Task<Status> PodVolumes::mount(std::shared_ptr<const corev1::Pod> pod, corev1::Volume volume,
                                      PodFacts facts, async::StopToken stop) {
  if (!api::claim_of_volume(*pod, volume).empty())
    co_return co_await mount_claim(std::move(pod), std::move(volume), std::move(stop));
  const std::string name = volume.name;
  Status done =
      co_await set_up_one(std::move(pod), std::move(volume), std::move(facts), std::move(stop));
  if (done.ok() || done.is(Reason::kCanceled)) co_return done;
  co_return Status(Reason::kInvalid, cat("MountVolume.SetUp failed for volume ", quoted(name),
                                         " : ", done.message()));
}

async::Task<Status> PodVolumes::set_up(std::shared_ptr<const corev1::Pod> pod, PodFacts facts,
                                       Report report, async::StopToken stop) {
  Status first;
  for (const auto& volume : pod->spec.volumes) {
    Status done = co_await mount(pod, volume, facts, stop);
    if (done.ok()) continue;
    if (done.is(Reason::kCanceled)) co_return done;
    report("FailedMount", done.message());
    if (first.ok()) first = std::move(done);
  }
  co_return first;
}

async::Task<Status> PodVolumes::tear_down(async::Executor& executor, async::ThreadPool& pool,
                                          std::string pod_directory) {
  co_return co_await async::offload(executor, pool,
                                    [pod_directory = std::move(pod_directory)]() -> Status {
                                      KPP_RETURN_IF_ERROR(sys::unmount_tree(pod_directory));
                                      return fs::remove_all(pod_directory);
                                    });
}

}  // namespace kpp::kubelet
