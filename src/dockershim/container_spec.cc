#include "dockershim/container_spec.h"

#include <algorithm>

#include "dockershim/checkpoints.h"
#include "dockershim/names.h"
#include "dockershim/security_spec.h"

namespace kpp::dockershim {
namespace {

constexpr std::int64_t kSandboxCpuShares = 2;
constexpr std::int64_t kSandboxOomScoreAdj = -998;
constexpr std::int64_t kShmBytes = 64 << 20;

std::unexpected<GrpcStatus> refuse(std::string why) {
  return std::unexpected(GrpcStatus{net::kGrpcUnimplemented, std::move(why)});
}

json::Array to_array(const std::vector<std::string>& texts) {
  json::Array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

json::Object to_object(const std::map<std::string, std::string>& map) {
  json::Object out;
  for (const auto& [key, value] : map) out[key] = value;
  return out;
}

// The systemd driver is given the name of a slice, the other a path.
std::string cgroup_parent(const std::string& given, const EngineFacts& facts) {
  return facts.systemd_cgroups ? given.substr(given.rfind('/') + 1) : given;
}

std::int64_t oom_score(std::int64_t wanted, const EngineFacts& facts) {
  return std::max(wanted, facts.lowest_oom_score_adj);
}

std::string_view propagation_of(std::int32_t propagation) {
  switch (propagation) {
    case cri::PROPAGATION_HOST_TO_CONTAINER:
      return "rslave";
    case cri::PROPAGATION_BIDIRECTIONAL:
      return "rshared";
    default:
      return "";
  }
}

// "host:container:ro,Z,rslave"
std::string bind_text(const cri::Mount& mount) {
  std::vector<std::string> attributes;
  if (mount.readonly) attributes.emplace_back("ro");
  if (mount.selinux_relabel) attributes.emplace_back("Z");
  if (const auto propagation = propagation_of(mount.propagation); !propagation.empty())
    attributes.emplace_back(propagation);
  std::string out = cat(mount.host_path, ":", mount.container_path);
  if (!attributes.empty()) out += cat(":", join(attributes, ","));
  return out;
}

// Paths with a colon cannot stand in a bind; a mount does not make a directory that is not there.
json::Object mount_object(const cri::Mount& mount) {
  json::Object out{{"Type", "bind"},
                   {"Source", mount.host_path},
                   {"Target", mount.container_path},
                   {"ReadOnly", mount.readonly}};
  if (const auto propagation = propagation_of(mount.propagation); !propagation.empty())
    out["BindOptions"] = json::Object{{"Propagation", propagation}};
  return out;
}

GrpcStatus add_mounts(const std::vector<cri::Mount>& mounts, json::Object& host) {
  json::Array binds;
  json::Array objects;
  for (const cri::Mount& mount : mounts) {
    if (mount.image && !mount.image->image.empty())
      return {net::kGrpcUnimplemented, "docker cannot mount images"};
    if (mount.recursive_read_only) {
      return {net::kGrpcUnimplemented,
              cat("docker cannot make the mounts below ", mount.container_path, " read-only")};
    }
    if (!mount.uid_mappings.empty() || !mount.gid_mappings.empty())
      return {net::kGrpcUnimplemented, "docker cannot map the users of a mount"};
    if (mount.host_path.contains(':') || mount.container_path.contains(':'))
      objects.emplace_back(mount_object(mount));
    else
      binds.emplace_back(bind_text(mount));
  }
  host["Binds"] = std::move(binds);
  if (!objects.empty()) host["Mounts"] = std::move(objects);
  return {};
}

GrpcStatus add_resources(const cri::LinuxContainerResources& from, const EngineFacts& facts,
                         json::Object& host) {
  for (const auto& limit : from.hugepage_limits) {
    if (limit.limit != 0)
      return {net::kGrpcUnimplemented, "docker cannot limit the huge pages of a container"};
  }
  for (auto& [name, value] : update_spec(from)) host[name] = value;
  host["OomScoreAdj"] = oom_score(from.oom_score_adj, facts);
  return {};
}

GrpcStatus check_namespaces(const cri::NamespaceOption& options) {
  if (options.userns_options && options.userns_options->mode != cri::NODE)
    return {net::kGrpcUnimplemented, "docker cannot give a pod a user namespace of its own"};
  return {};
}

bool on_host(std::int32_t mode) { return mode == cri::NODE; }

}  // namespace

json::Object update_spec(const cri::LinuxContainerResources& resources) {
  json::Object out{
      {"CpuShares", resources.cpu_shares},   {"CpuQuota", resources.cpu_quota},
      {"CpuPeriod", resources.cpu_period},   {"CpusetCpus", resources.cpuset_cpus},
      {"CpusetMems", resources.cpuset_mems}, {"Memory", resources.memory_limit_in_bytes}};
  // Memory and swap together: no swap, unless the kubelet says how much.
  out["MemorySwap"] = resources.memory_swap_limit_in_bytes != 0
                          ? resources.memory_swap_limit_in_bytes
                          : resources.memory_limit_in_bytes;
  return out;
}

net::GrpcResult<json::Object> sandbox_spec(const SandboxRequest& request,
                                           const EngineFacts& facts) {
  const cri::PodSandboxConfig& config = request.config;
  const cri::LinuxPodSandboxConfig linux =
      config.linux ? *config.linux : cri::LinuxPodSandboxConfig();
  const auto security =
      linux.security_context ? *linux.security_context : cri::LinuxSandboxSecurityContext();
  const auto namespaces =
      security.namespace_options ? *security.namespace_options : cri::NamespaceOption();
  if (GrpcStatus s = check_namespaces(namespaces); s.code != 0) return std::unexpected(s);

  Labels labels = to_docker_labels(config.labels, config.annotations, label::kTypeSandbox);
  const std::string ports = write_port_mappings(config.port_mappings);
  if (ports != "[]") labels[std::string(label::kPorts)] = ports;

  json::Object host;
  host["NetworkMode"] = on_host(namespaces.network) ? "host" : "none";
  host["IpcMode"] = on_host(namespaces.ipc) ? "host" : "shareable";
  if (on_host(namespaces.pid)) host["PidMode"] = "host";
  if (on_host(namespaces.network)) host["UTSMode"] = "host";
  host["ShmSize"] = kShmBytes;
  host["CpuShares"] = kSandboxCpuShares;
  host["OomScoreAdj"] = oom_score(kSandboxOomScoreAdj, facts);
  host["Privileged"] = security.privileged;
  host["ReadonlyRootfs"] = security.readonly_rootfs;
  if (!linux.cgroup_parent.empty())
    host["CgroupParent"] = cgroup_parent(linux.cgroup_parent, facts);
  if (!linux.sysctls.empty()) host["Sysctls"] = to_object(linux.sysctls);
  if (!request.runtime_handler.empty()) host["Runtime"] = request.runtime_handler;
  json::Array options;
  if (security.selinux_options) add_selinux(*security.selinux_options, options);
  options.emplace_back("no-new-privileges");
  host["SecurityOpt"] = std::move(options);

  json::Object out;
  if (!config.hostname.empty() && !on_host(namespaces.network)) out["Hostname"] = config.hostname;
  out["Image"] = request.image;
  if (std::string user = user_text(security.run_as_user, security.run_as_group, ""); !user.empty())
    out["User"] = std::move(user);
  out["Labels"] = to_object(labels);
  out["HostConfig"] = std::move(host);
  return out;
}

net::GrpcResult<json::Object> container_spec(const ContainerRequest& request,
                                             const EngineFacts& facts) {
  const cri::ContainerConfig& config = request.config;
  if (!config.cdi_devices.empty()) return refuse("docker cannot use CDI devices");
  const auto linux = config.linux ? *config.linux : cri::LinuxContainerConfig();
  const auto security =
      linux.security_context ? *linux.security_context : cri::LinuxContainerSecurityContext();
  const auto namespaces =
      security.namespace_options ? *security.namespace_options : cri::NamespaceOption();
  if (GrpcStatus s = check_namespaces(namespaces); s.code != 0) return std::unexpected(s);

  json::Object host;
  const std::string pod = cat("container:", request.sandbox_id);
  host["NetworkMode"] = pod;
  host["IpcMode"] = pod;
  if (on_host(namespaces.network)) host["UTSMode"] = "host";
  if (on_host(namespaces.pid)) host["PidMode"] = "host";
  if (namespaces.pid == cri::POD) host["PidMode"] = pod;
  if (namespaces.pid == cri::TARGET) host["PidMode"] = cat("container:", namespaces.target_id);
  if (GrpcStatus s = add_mounts(config.mounts, host); s.code != 0) return std::unexpected(s);
  json::Array devices;
  for (const cri::Device& device : config.devices) {
    devices.emplace_back(json::Object{{"PathOnHost", device.host_path},
                                      {"PathInContainer", device.container_path},
                                      {"CgroupPermissions", device.permissions}});
  }
  host["Devices"] = std::move(devices);
  if (linux.resources) {
    if (GrpcStatus s = add_resources(*linux.resources, facts, host); s.code != 0)
      return std::unexpected(s);
  }
  if (request.sandbox.linux && !request.sandbox.linux->cgroup_parent.empty())
    host["CgroupParent"] = cgroup_parent(request.sandbox.linux->cgroup_parent, facts);
  if (GrpcStatus s = add_security(security, request.seccomp_profile, host); s.code != 0)
    return std::unexpected(s);

  Labels labels = to_docker_labels(config.labels, config.annotations, label::kTypeContainer);
  labels[std::string(label::kSandboxId)] = request.sandbox_id;
  if (std::string path = log_path_of(request.sandbox, config); !path.empty())
    labels[std::string(label::kLogPath)] = std::move(path);

  json::Object out;
  out["Image"] = config.image ? config.image->image : std::string();
  if (!config.command.empty()) out["Entrypoint"] = to_array(config.command);
  if (!config.args.empty()) out["Cmd"] = to_array(config.args);
  json::Array environment;
  for (const cri::KeyValue& variable : config.envs)
    environment.emplace_back(cat(variable.key, "=", variable.value));
  out["Env"] = std::move(environment);
  if (!config.working_dir.empty()) out["WorkingDir"] = config.working_dir;
  if (std::string user =
          user_text(security.run_as_user, security.run_as_group, security.run_as_username);
      !user.empty())
    out["User"] = std::move(user);
  out["OpenStdin"] = config.stdin;
  out["StdinOnce"] = config.stdin_once;
  out["Tty"] = config.tty;
  // A health check of the image is Docker's own idea; the kubelet probes.
  out["Healthcheck"] = json::Object{{"Test", json::Array{"NONE"}}};
  if (std::string signal = signal_name(config.stop_signal); !signal.empty())
    out["StopSignal"] = std::move(signal);
  out["Labels"] = to_object(labels);
  out["HostConfig"] = std::move(host);
  return out;
}

std::string seccomp_profile_path(const cri::ContainerConfig& config) {
  if (!config.linux || !config.linux->security_context || !config.linux->security_context->seccomp)
    return {};
  const auto& profile = *config.linux->security_context->seccomp;
  return profile.profile_type == kLocalhost ? profile.localhost_ref : std::string();
}

std::string log_path_of(const cri::PodSandboxConfig& sandbox, const cri::ContainerConfig& config) {
  if (sandbox.log_directory.empty() || config.log_path.empty()) return {};
  return cat(sandbox.log_directory, "/", config.log_path);
}

std::string resolv_conf(const cri::DNSConfig& dns) {
  std::string out;
  for (const std::string& server : dns.servers) out += cat("nameserver ", server, "\n");
  if (!dns.searches.empty()) out += cat("search ", join(dns.searches, " "), "\n");
  if (!dns.options.empty()) out += cat("options ", join(dns.options, " "), "\n");
  return out;
}

}  // namespace kpp::dockershim
