#include "kubelet/volumes/claims.h"

#include <algorithm>

#include "api/meta.h"
#include "api/volume_match.h"
#include "base/fs.h"
#include "linux/mounts.h"
#include "linux/process.h"

namespace kpp::kubelet {

async::Task<Result<BoundVolume>> bound_volume(client::Client& client,
                                              std::shared_ptr<const corev1::Pod> pod,
                                              corev1::Volume volume, async::StopToken stop) {
  const std::string claim_name = api::claim_of_volume(*pod, volume);
  const api::ObjectKey key{pod->metadata.namespace_, claim_name};
  const auto refuse = [&key](std::string_view why) {
    return fail(Reason::kInvalid, cat("error processing PVC ", key.to_string(), ": ", why));
  };
  auto claim = co_await client.get<corev1::PersistentVolumeClaim>(key, stop);
  if (!claim) {
    if (stop.stop_requested()) co_return fail(Reason::kCanceled, "stopped");
    co_return refuse(cat("failed to fetch PVC from API server: ", claim.error().message()));
  }
  if (volume.volume_source.ephemeral) {
    const auto* owner = api::controller_of(claim->metadata);
    if (owner == nullptr || owner->uid != pod->metadata.uid) {
      co_return fail(Reason::kInvalid, cat("PVC ", key.to_string(), " was not created for pod ",
                                           api::key_of(*pod).to_string(), " (pod is not owner)"));
    }
  }
  if (claim->metadata.deletion_timestamp) co_return refuse("PVC is being deleted");
  if (claim->status.phase != "Bound" || claim->spec.volume_name.empty())
    co_return refuse("PVC is not bound");
  auto pv = co_await client.get<corev1::PersistentVolume>({"", claim->spec.volume_name}, stop);
  if (!pv) {
    if (stop.stop_requested()) co_return fail(Reason::kCanceled, "stopped");
    co_return refuse(cat("failed to fetch PV ", claim->spec.volume_name,
                         " from API server: ", pv.error().message()));
  }
  if (!pv->spec.claim_ref || pv->spec.claim_ref->uid != claim->metadata.uid) {
    co_return refuse(cat("PV ", pv->metadata.name, " is bound to another claim"));
  }
  if (pv->spec.volume_mode.value_or("Filesystem") == "Block")
    co_return refuse("block volumes are not supported by this kubelet");
  BoundVolume out;
  out.name = pv->metadata.name;
  out.mount_options = pv->spec.mount_options;
  out.reach = pv->spec.node_affinity;
  const auto& used_by = volume.volume_source.persistent_volume_claim;
  out.read_only = used_by && used_by->read_only;
  const auto& source = pv->spec.persistent_volume_source;
  if (source.host_path) {
    out.source.host_path = source.host_path;
  } else if (source.local) {
    out.source.host_path.emplace().path = source.local->path;
    out.local = true;
  } else if (source.nfs) {
    out.source.nfs = source.nfs;
  } else {
    co_return refuse(cat("PV ", out.name,
                         " is of a kind that this kubelet cannot mount; it mounts "
                         "hostPath, local and nfs"));
  }
  co_return out;
}

Status mount_nfs(const corev1::NFSVolumeSource& source, const std::vector<std::string>& options,
                 const std::string& target) {
  KPP_RETURN_IF_ERROR(fs::make_directories(target, 0750));
  KPP_ASSIGN(const bool mounted, sys::is_mount_point(target));
  if (mounted) return {};
  std::vector<std::string> flags = options;
  if (source.read_only) flags.emplace_back("ro");
  std::vector<std::string> arguments{"-t", "nfs"};
  if (!flags.empty()) {
    std::ranges::sort(flags);
    arguments.emplace_back("-o");
    arguments.push_back(join(flags, ","));
  }
  arguments.push_back(cat(source.server, ":", source.path));
  arguments.push_back(target);
  sys::ProcessSpec spec;
  spec.argv = {"mount"};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  KPP_ASSIGN(const sys::ProcessResult done, sys::run_process(spec));
  if (done.ok()) return {};
  return {Reason::kIo, cat("mount failed: exit status ", done.exit_code,
                           "\nMounting command: mount\nMounting arguments: ", join(arguments, " "),
                           "\nOutput: ", done.out, done.err)};
}

}  // namespace kpp::kubelet
