// PodWorker: starting one container.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/fs.h"
#include "base/ids.h"
#include "kubelet/container/container_config.h"
#include "kubelet/container/expansion.h"
#include "kubelet/container/hosts_file.h"
#include "kubelet/container/sandbox_config.h"
#include "kubelet/container/volume_mounts.h"
#include "kubelet/credentials.h"
#include "kubelet/lifecycle_hooks.h"
#include "kubelet/pod_worker.h"
#include "kubelet/volumes/subpath.h"

namespace kpp::kubelet {
namespace {

constexpr Duration kFirstCrashWait = std::chrono::seconds(10);
constexpr Duration kLongestCrashWait = std::chrono::seconds(300);

// The file that a container writes its last words to; anybody in the container may.
Status make_termination_file(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  KPP_RETURN_IF_ERROR(fs::make_directories(path.substr(0, slash), 0750));
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(path, "", 0666));
  if (::chmod(path.c_str(), 0666) != 0) return errno_status(cat("chmod ", path), errno);
  return {};
}

// What collectors of logs look for: names of pod, namespace and container in one.
void link_log(const std::string& folder, const std::string& name, const std::string& log) {
  if (!fs::make_directories(folder, 0755).ok()) return;
  const std::string link = cat(folder, "/", name);
  ::unlink(link.c_str());
  if (::symlink(log.c_str(), link.c_str()) != 0) return;
}

std::string log_link_name(const corev1::Pod& pod, const std::string& container,
                          const std::string& id) {
  return cat(pod.metadata.name, "_", pod.metadata.namespace_, "_", container, "-", id, ".log");
}

}  // namespace

std::optional<StartError> PodWorker::back_off(const corev1::Container& container) {
  const ContainerRecord* record = nullptr;
  for (const auto& r : runtime_.containers) {
    if (r.name == container.name && r.state == cri::CONTAINER_EXITED) {
      record = &r;
      break;
    }
  }
  if (record == nullptr) return std::nullopt;
  const WallTime finished(Duration(record->finished_at));
  const TimePoint now = deps_.executor.steady();
  auto [it, fresh] = crash_back_off_.try_emplace(container.name);
  BackOff& entry = it->second;
  const Duration since_end = deps_.executor.wall() - finished;
  const bool expired =
      now - since_end - entry.since > 2 * kLongestCrashWait;  // it ran well for long
  if (!fresh && !expired && since_end < entry.wait) {
    pod_event(
        deps_, *pod_, container.name, "Warning", "BackOff",
        cat("Back-off restarting failed container ", container.name, " in pod ", pod_text(*pod_)));
    return StartError{"CrashLoopBackOff", cat("back-off ", go_duration(entry.wait),
                                              " restarting failed container=", container.name,
                                              " pod=", pod_text(*pod_))};
  }
  entry.wait = fresh || expired ? kFirstCrashWait : std::min(entry.wait * 2, kLongestCrashWait);
  entry.since = now;
  return std::nullopt;
}

async::Task<PodWorker::Started> PodWorker::start_container(corev1::Container container,
                                                           SandboxRecord sandbox,
                                                           async::StopToken stop) {
  Started out;
  if (auto waiting = back_off(container)) {
    start_errors_[container.name] = std::move(*waiting);
    out.in_back_off = true;
    co_return out;
  }
  auto error = co_await try_start(container, std::move(sandbox), stop);
  if (stop.stop_requested()) co_return out;
  if (error) {
    start_errors_[container.name] = std::move(*error);
    co_return out;
  }
  start_errors_.erase(container.name);
  out.ok = true;
  co_return out;
}

async::Task<std::vector<cri::AuthConfig>> PodWorker::pull_credentials(std::string image,
                                                                      async::StopToken stop) {
  const PodRef pod = pod_;
  std::vector<std::shared_ptr<const corev1::Secret>> secrets;
  std::vector<std::string> missing;
  for (const auto& ref : pod->spec.image_pull_secrets) {
    auto secret = co_await deps_.objects.secret(pod->metadata.namespace_, ref.name, stop);
    if (secret && *secret) {
      secrets.push_back(std::move(*secret));
    } else if (!ref.name.empty()) {
      missing.push_back(ref.name);
    }
  }
  if (!missing.empty() && !stop.stop_requested()) {
    pod_event(deps_, *pod, {}, "Warning", "FailedToRetrieveImagePullSecret",
              cat("Unable to retrieve some image pull secrets (", join(missing, ", "),
                  "); attempting to pull the image may not succeed."));
  }
  co_return credentials_for(image, secrets);
}

async::Task<std::optional<StartError>> PodWorker::try_start(corev1::Container container,
                                                            SandboxRecord sandbox,
                                                            async::StopToken stop) {
  const PodRef pod = pod_;
  const auto report = [this, pod, name = container.name](
                          std::string_view type, std::string_view reason, std::string message) {
    pod_event(deps_, *pod, name, type, reason, std::move(message));
  };
  const cri::PodSandboxConfig sandbox_config = sandbox_request(sandbox.attempt);
  std::vector<cri::AuthConfig> credentials = co_await pull_credentials(container.image, stop);
  auto image = co_await deps_.images.ensure(pod, container, sandbox_config, std::move(credentials),
                                            report, stop);
  if (!image) {
    if (!stop.stop_requested()) report("Warning", "Failed", cat("Error: ", image.error().reason));
    co_return image.error();
  }

  const auto refuse = [&report](std::string_view reason, std::string message) {
    report("Warning", "Failed", cat("Error: ", message));
    return StartError{std::string(reason), std::move(message)};
  };
  auto objects = co_await deps_.objects.snapshot(pod, container, stop);
  if (!objects) co_return StartError{"CreateContainerConfigError", objects.error().message()};
  PodFacts known = facts();
  known.pod_ips = pod->spec.host_network ? deps_.node.host_ips : sandbox.ips;
  const Services services = deps_.services();
  const auto environment = make_environment(
      {*pod, container, known, *objects, services, deps_.options.master_service_namespace});
  if (!environment) co_return refuse("CreateContainerConfigError", environment.error().message());
  auto mounts = co_await mounts_of(container, sandbox, *environment);
  if (!mounts) co_return refuse("CreateContainerConfigError", mounts.error().message());

  const ContainerRecord* last = runtime_.find(container.name);
  const std::int32_t restarts = last ? last->restart_count + 1 : 0;
  auto config = container_config({*pod, container, deps_.options, *environment, image->ref,
                                  image->user, restarts, deps_.node.memory_capacity,
                                  deps_.options.quota_enforced, std::move(*mounts)});
  if (!config) co_return refuse("CreateContainerConfigError", config.error().message());

  auto id =
      co_await deps_.runtime.create_container(sandbox.id, std::move(*config), sandbox_config, stop);
  if (!id) co_return refuse("CreateContainerError", id.error().message());
  report("Normal", "Created", "Container created");
  const Status started = co_await deps_.runtime.start_container(*id, stop);
  if (!started.ok()) co_return refuse("RunContainerError", started.message());
  report("Normal", "Started", "Container started");
  deps_.allocations.actuate(pod->metadata.uid, container.name, container.resources);
  deps_.pool.post([folder = deps_.options.container_log_dir,
                   name = log_link_name(*pod, container.name, *id),
                   log = cat(pod_log_directory(deps_.options, *pod), "/", container.name, "/",
                             restarts, ".log")] { link_log(folder, name, log); });
  co_await drop_older_containers(container.name, stop);

  if (container.lifecycle && container.lifecycle->post_start) {
    const std::string ip = known.pod_ips.empty() ? std::string() : known.pod_ips.front();
    const Status hook =
        co_await run_hook(deps_, pod, container, *id, ip, *container.lifecycle->post_start, stop);
    if (!hook.ok() && !stop.stop_requested()) {
      report("Warning", "FailedPostStartHook", "PostStartHook failed");
      ContainerRecord record;
      record.id = *id;
      record.name = container.name;
      record.state = cri::CONTAINER_RUNNING;
      co_await kill_container(record, "FailedPostStartHook",
                              grace_seconds(record, KillReason::kOther), nullptr, stop);
      co_return StartError{"PostStartHookError", hook.message()};
    }
  }
  co_return std::nullopt;
}

// Keeps the newest that has ended, for its state and its log.
async::Task<void> PodWorker::drop_older_containers(std::string name, async::StopToken stop) {
  std::vector<ContainerRecord> old;
  int kept = 0;
  for (const auto& record : runtime_.containers) {
    if (record.name != name || record.state == cri::CONTAINER_RUNNING) continue;
    if (kept++ > 0) old.push_back(record);
  }
  for (const auto& record : old) {
    const Status removed = co_await deps_.runtime.remove_container(record.id, stop);
    if (!removed.ok()) continue;
    deps_.pool.post([log = record.log_path, link = cat(deps_.options.container_log_dir, "/",
                                                       log_link_name(*pod_, name, record.id))] {
      if (!log.empty()) ::unlink(log.c_str());
      ::unlink(link.c_str());
    });
  }
}

async::Task<Result<std::vector<cri::Mount>>> PodWorker::mounts_of(corev1::Container container,
                                                                  SandboxRecord sandbox,
                                                                  Environment environment) {
  struct Wanted {
    std::string volume, volume_path, subpath;
    std::size_t index = 0;
    std::string mount;  // where it lies afterwards
  };
  const std::string dir = pod_directory(deps_.options, pod_->metadata.uid);
  std::vector<cri::Mount> out;
  std::vector<Wanted> subpaths;
  bool has_hosts = false;
  const Lookup lookup = [&environment](const std::string& name) -> std::optional<std::string> {
    for (const auto& [key, value] : environment) {
      if (key == name) return value;
    }
    return std::nullopt;
  };
  bool runtime_can = false;  // make what is below a mount read-only
  if (asks_for_recursive_read_only(container)) {
    const auto runtime = co_await deps_.runtime.status(scope_.stop_token());
    runtime_can = runtime && can_recursive_read_only(*runtime);
  }
  for (const auto& mount : container.volume_mounts) {
    const auto it = std::ranges::find(pod_->spec.volumes, mount.name, &corev1::Volume::name);
    if (it == pod_->spec.volumes.end()) {
      co_return fail(Reason::kInvalid, cat("cannot find volume ", quoted(mount.name),
                                           " to mount into container ", quoted(container.name)));
    }
    std::string subpath = mount.sub_path;
    if (!mount.sub_path_expr.empty()) {
      if (const auto missing = missing_names(mount.sub_path_expr, lookup); !missing.empty()) {
        co_return fail(Reason::kInvalid, cat("missing value for ", join(missing, ", ")));
      }
      subpath = expand(mount.sub_path_expr, lookup);
    }
    KPP_CO_RETURN_IF_ERROR(check_subpath(subpath));
    KPP_CO_ASSIGN(const bool recursive, recursive_read_only(mount, runtime_can));
    has_hosts = has_hosts || mount.mount_path == "/etc/hosts";
    cri::Mount entry;
    entry.container_path =
        mount.mount_path.starts_with("/") ? mount.mount_path : "/" + mount.mount_path;
    entry.host_path = volumes_.path_of(*it);
    // What the API holds is not written to through its copy.
    const auto& source = it->volume_source;
    const bool is_copy =
        source.config_map || source.secret || source.projected || source.downward_api;
    const bool claimed_read_only =
        source.persistent_volume_claim && source.persistent_volume_claim->read_only;
    entry.readonly = mount.read_only || is_copy || claimed_read_only;
    entry.recursive_read_only = recursive;
    entry.propagation = propagation_of(mount);
    if (!subpath.empty()) {
      subpaths.push_back({mount.name, entry.host_path, subpath, out.size(),
                          cat(dir, "/volume-subpaths/", mount.name, "/", container.name, "/",
                              &mount - container.volume_mounts.data())});
    }
    out.push_back(std::move(entry));
  }
  const std::string hosts_path = dir + "/etc-hosts";
  if (!has_hosts) {
    cri::Mount hosts;
    hosts.container_path = "/etc/hosts";
    hosts.host_path = hosts_path;
    out.push_back(std::move(hosts));
  }
  std::string termination_file;
  if (!container.termination_message_path.empty()) {
    termination_file = cat(dir, "/containers/", container.name, "/", random_suffix(8));
    cri::Mount termination;
    termination.container_path = container.termination_message_path;
    termination.host_path = termination_file;
    out.push_back(std::move(termination));
  }
  std::string hosts_text;
  if (pod_->spec.host_network) {
    const std::string node_file = co_await async::offload(
        deps_.executor, deps_.pool,
        [path = deps_.options.hosts_file] { return fs::read_file(path, 1 << 20).value_or(""); });
    hosts_text = host_network_hosts_file(node_file, pod_->spec.host_aliases);
  } else {
    hosts_text = managed_hosts_file(sandbox.ips, pod_hostname(*pod_, deps_.options.cluster_domain),
                                    pod_->spec.host_aliases);
  }
  Status done = co_await async::offload(
      deps_.executor, deps_.pool,
      [&out, &subpaths, &container, hosts_path, hosts_text, has_hosts,
       termination_file]() -> Status {
        for (const auto& wanted : subpaths) {
          // What exactly is wrong would tell a container about the node's files.
          const std::string whose =
              cat("volumeMount ", quoted(wanted.volume), " of container ", quoted(container.name));
          if (!make_subpath(wanted.volume_path, wanted.subpath).ok())
            return {Reason::kInvalid, cat("failed to create subPath directory for ", whose)};
          if (!bind_subpath(wanted.volume_path, wanted.subpath, wanted.mount).ok())
            return {Reason::kInvalid, cat("failed to prepare subPath for ", whose)};
          out[wanted.index].host_path = wanted.mount;
        }
        if (!has_hosts) KPP_RETURN_IF_ERROR(fs::write_file_atomic(hosts_path, hosts_text, 0644));
        if (!termination_file.empty()) KPP_RETURN_IF_ERROR(make_termination_file(termination_file));
        return {};
      });
  if (!done.ok()) co_return std::unexpected(std::move(done));
  co_return out;
}

}  // namespace kpp::kubelet
