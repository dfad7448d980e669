#include "apiserver/admission/pod_security_checks.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>

#include "base/cat.h"

namespace kpp::apiserver {
namespace {

using Names = std::vector<std::string>;

std::string quoted_list(const Names& names) {
  std::string out;
  for (const auto& name : names) out += cat(out.empty() ? "" : ", ", quoted(name));
  return out;
}
std::string quoted_list(const std::set<std::string>& names) {
  return quoted_list(Names(names.begin(), names.end()));
}

// `container "a"`, `containers "a", "b"`.
std::string containers_text(const Names& names) {
  return cat(names.size() == 1 ? "container " : "containers ", quoted_list(names));
}
std::string volumes_text(const Names& names) {
  return cat(names.size() == 1 ? "volume " : "volumes ", quoted_list(names));
}

// What the checks look at of a container of any sort.
struct ContainerView {
  const std::string& name;
  const corev1::SecurityContext* context;
  const std::vector<corev1::ContainerPort>& ports;
  std::vector<const corev1::Probe*> probes;
  const corev1::Lifecycle* lifecycle;
};

template <class C>
ContainerView view_of(const C& c) {
  return {c.name,
          c.security_context.get(),
          c.ports,
          {c.liveness_probe.get(), c.readiness_probe.get(), c.startup_probe.get()},
          c.lifecycle.get()};
}

struct Pod {
  const metav1::ObjectMeta& metadata;
  const corev1::PodSpec& spec;
  std::vector<ContainerView> containers;
  const corev1::PodSecurityContext* context;
  bool windows;

  // Names of the containers for which test(container) is true.
  Names which(const std::function<bool(const ContainerView&)>& test) const {
    Names out;
    for (const auto& container : containers) {
      if (test(container)) out.push_back(container.name);
    }
    return out;
  }
};

using Violations = std::vector<SecurityViolation>;

// "pod", and the containers, joined by " and ".
std::string setters(bool pod, const Names& containers) {
  Names out;
  if (pod) out.emplace_back("pod");
  if (!containers.empty()) out.push_back(containers_text(containers));
  return join(out, " and ");
}

// --- baseline

void check_app_armor(const Pod& pod, Violations& out) {
  static constexpr std::string_view kPrefix = "container.apparmor.security.beta.kubernetes.io/";
  std::set<std::string> values;
  const auto bad = [&](const corev1::AppArmorProfile* profile) {
    const bool is_bad =
        profile != nullptr && profile->type != "RuntimeDefault" && profile->type != "Localhost";
    if (is_bad) values.insert(profile->type);
    return is_bad;
  };
  const bool by_pod = pod.context != nullptr && bad(pod.context->app_armor_profile.get());
  const Names by_container = pod.which([&](const auto& c) {
    return c.context != nullptr && bad(c.context->app_armor_profile.get());
  });
  Names details;
  if (by_pod || !by_container.empty()) {
    details.push_back(cat(setters(by_pod, by_container), " must not set AppArmor profile type to ",
                          quoted_list(values)));
  }
  Names annotations;
  for (const auto& [key, value] : pod.metadata.annotations) {
    if (!key.starts_with(kPrefix) || value.empty() || value == "runtime/default" ||
        value.starts_with("localhost/"))
      continue;
    annotations.push_back(cat(key, "=", quoted(value)));
  }
  if (!annotations.empty())
    details.push_back(
        cat(annotations.size() == 1 ? "annotation " : "annotations ", join(annotations, ", ")));
  if (details.empty()) return;
  out.push_back({values.size() + annotations.size() == 1 ? "forbidden AppArmor profile"
                                                         : "forbidden AppArmor profiles",
                 join(details, ", ")});
}

void check_capabilities_baseline(const Pod& pod, Violations& out) {
  static const std::set<std::string> kAllowed = {
      "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
      "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};
  std::set<std::string> extra;
  const Names names = pod.which([&](const auto& c) {
    bool bad = false;
    if (c.context == nullptr || !c.context->capabilities) return bad;
    for (const auto& capability : c.context->capabilities->add) {
      if (kAllowed.contains(capability)) continue;
      extra.insert(capability);
      bad = true;
    }
    return bad;
  });
  if (names.empty()) return;
  out.push_back({"non-default capabilities",
                 cat(containers_text(names), " must not include ", quoted_list(extra),
                     " in securityContext.capabilities.add")});
}

void check_host_namespaces(const Pod& pod, Violations& out) {
  Names set;
  if (pod.spec.host_network) set.emplace_back("hostNetwork=true");
  if (pod.spec.host_pid) set.emplace_back("hostPID=true");
  if (pod.spec.host_ipc) set.emplace_back("hostIPC=true");
  if (!set.empty()) out.push_back({"host namespaces", join(set, ", ")});
}

void check_host_paths(const Pod& pod, Violations& out) {
  Names names;
  for (const auto& volume : pod.spec.volumes) {
    if (volume.volume_source.host_path) names.push_back(volume.name);
  }
  if (!names.empty()) out.push_back({"hostPath volumes", volumes_text(names)});
}

void check_host_ports(const Pod& pod, Violations& out) {
  std::set<std::int32_t> ports;
  const Names names = pod.which([&](const auto& c) {
    bool bad = false;
    for (const auto& port : c.ports) {
      if (port.host_port == 0) continue;
      ports.insert(port.host_port);
      bad = true;
    }
    return bad;
  });
  if (names.empty()) return;
  out.push_back(
      {"hostPort", cat(containers_text(names), names.size() == 1 ? " uses " : " use ",
                       ports.size() == 1 ? "hostPort " : "hostPorts ", join(ports, ", "))});
}

void check_probe_hosts(const Pod& pod, Violations& out) {
  std::set<std::string> hosts;
  const Names names = pod.which([&](const auto& c) {
    bool bad = false;
    const auto look = [&](const std::string& host) {
      if (host.empty()) return;
      hosts.insert(host);
      bad = true;
    };
    const auto look_at = [&](const auto& handler) {
      if (handler.http_get) look(handler.http_get->host);
      if (handler.tcp_socket) look(handler.tcp_socket->host);
    };
    for (const auto* probe : c.probes) {
      if (probe != nullptr) look_at(probe->handler);
    }
    if (c.lifecycle != nullptr && c.lifecycle->post_start) look_at(*c.lifecycle->post_start);
    if (c.lifecycle != nullptr && c.lifecycle->pre_stop) look_at(*c.lifecycle->pre_stop);
    return bad;
  });
  if (names.empty()) return;
  out.push_back({"probe or lifecycle host",
                 cat(containers_text(names), names.size() == 1 ? " uses " : " use ",
                     "probe or lifecycle host ", quoted_list(hosts))});
}

void check_privileged(const Pod& pod, Violations& out) {
  const Names names = pod.which(
      [](const auto& c) { return c.context != nullptr && c.context->privileged == true; });
  if (!names.empty())
    out.push_back({"privileged",
                   cat(containers_text(names), " must not set securityContext.privileged=true")});
}

void check_proc_mount(const Pod& pod, Violations& out) {
  std::set<std::string> values;
  const Names names = pod.which([&](const auto& c) {
    if (c.context == nullptr || !c.context->proc_mount || *c.context->proc_mount == "Default")
      return false;
    values.insert(*c.context->proc_mount);
    return true;
  });
  if (names.empty()) return;
  out.push_back(
      {"procMount", cat(containers_text(names), " must not set securityContext.procMount to ",
                        quoted_list(values))});
}

void check_se_linux(const Pod& pod, Violations& out) {
  static const std::set<std::string> kTypes = {"", "container_t", "container_init_t",
                                               "container_kvm_t", "container_engine_t"};
  std::set<std::string> types;
  bool user = false, role = false;
  const auto bad = [&](const corev1::SELinuxOptions* options) {
    if (options == nullptr) return false;
    const bool type = !kTypes.contains(options->type);
    if (type) types.insert(options->type);
    user = user || !options->user.empty();
    role = role || !options->role.empty();
    return type || !options->user.empty() || !options->role.empty();
  };
  const bool by_pod = pod.context != nullptr && bad(pod.context->se_linux_options.get());
  const Names names = pod.which([&](const auto& c) {
    return c.context != nullptr && bad(c.context->se_linux_options.get());
  });
  if (!by_pod && names.empty()) return;
  Names what;
  if (!types.empty())
    what.push_back(cat(types.size() == 1 ? "type " : "types ", quoted_list(types)));
  if (user) what.emplace_back("user may not be set");
  if (role) what.emplace_back("role may not be set");
  out.push_back(
      {"seLinuxOptions", cat(setters(by_pod, names),
                             " set forbidden securityContext.seLinuxOptions: ", join(what, "; "))});
}

bool good_seccomp(const corev1::SeccompProfile& profile) {
  return profile.type == "RuntimeDefault" || profile.type == "Localhost";
}

// Profiles that switch the filter off; those who set none are the restricted level's business.
bool explicit_seccomp(const Pod& pod, Violations& out) {
  std::set<std::string> values;
  const auto bad = [&](const auto* context) {
    if (context == nullptr || !context->seccomp_profile || good_seccomp(*context->seccomp_profile))
      return false;
    values.insert(context->seccomp_profile->type);
    return true;
  };
  const bool by_pod = bad(pod.context);
  const Names names = pod.which([&](const auto& c) { return bad(c.context); });
  if (!by_pod && names.empty()) return false;
  out.push_back({"seccompProfile", cat(setters(by_pod, names),
                                       " must not set securityContext.seccompProfile.type to ",
                                       quoted_list(values))});
  return true;
}

void check_sysctls(const Pod& pod, Violations& out) {
  static const std::set<std::string> kAllowed = {"kernel.shm_rmid_forced",
                                                 "net.ipv4.ip_local_port_range",
                                                 "net.ipv4.ip_unprivileged_port_start",
                                                 "net.ipv4.tcp_syncookies",
                                                 "net.ipv4.ping_group_range",
                                                 "net.ipv4.ip_local_reserved_ports",
                                                 "net.ipv4.tcp_keepalive_time",
                                                 "net.ipv4.tcp_fin_timeout",
                                                 "net.ipv4.tcp_keepalive_intvl",
                                                 "net.ipv4.tcp_keepalive_probes",
                                                 "net.ipv4.tcp_rmem",
                                                 "net.ipv4.tcp_wmem"};
  if (pod.context == nullptr) return;
  Names names;
  for (const auto& sysctl : pod.context->sysctls) {
    if (!kAllowed.contains(sysctl.name)) names.push_back(sysctl.name);
  }
  if (!names.empty()) out.push_back({"forbidden sysctls", join(names, ", ")});
}

void check_host_process(const Pod& pod, Violations& out) {
  const auto bad = [](const auto* context) {
    return context != nullptr && context->windows_options &&
           context->windows_options->host_process == true;
  };
  const bool by_pod = bad(pod.context);
  const Names names = pod.which([&](const auto& c) { return bad(c.context); });
  if (!by_pod && names.empty()) return;
  out.push_back(
      {"hostProcess", cat(setters(by_pod, names),
                          " must not set securityContext.windowsOptions.hostProcess=true")});
}

// --- restricted

void check_escalation(const Pod& pod, Violations& out) {
  if (pod.windows) return;
  const Names names = pod.which([](const auto& c) {
    return c.context == nullptr || c.context->allow_privilege_escalation != false;
  });
  if (names.empty()) return;
  out.push_back(
      {"allowPrivilegeEscalation != false",
       cat(containers_text(names), " must set securityContext.allowPrivilegeEscalation=false")});
}

void check_capabilities_restricted(const Pod& pod, Violations& out) {
  if (pod.windows) return;
  std::set<std::string> extra;
  const Names keeps = pod.which([](const auto& c) {
    if (c.context == nullptr || !c.context->capabilities) return true;
    const auto& drop = c.context->capabilities->drop;
    return std::find(drop.begin(), drop.end(), "ALL") == drop.end();
  });
  const Names adds = pod.which([&](const auto& c) {
    bool bad = false;
    if (c.context == nullptr || !c.context->capabilities) return bad;
    for (const auto& capability : c.context->capabilities->add) {
      if (capability == "NET_BIND_SERVICE") continue;
      extra.insert(capability);
      bad = true;
    }
    return bad;
  });
  Names details;
  if (!keeps.empty())
    details.push_back(
        cat(containers_text(keeps), " must set securityContext.capabilities.drop=[\"ALL\"]"));
  if (!adds.empty()) {
    details.push_back(cat(containers_text(adds), " must not include ", quoted_list(extra),
                          " in securityContext.capabilities.add"));
  }
  if (!details.empty()) out.push_back({"unrestricted capabilities", join(details, "; ")});
}

// The type of a volume that the restricted level has no place for; empty: it is allowed.
std::string restricted_type(const corev1::VolumeSource& v) {
  const std::pair<bool, std::string_view> types[] = {
      {v.host_path.has_value(), "hostPath"},
      {v.gce_persistent_disk.has_value(), "gcePersistentDisk"},
      {v.aws_elastic_block_store.has_value(), "awsElasticBlockStore"},
      {v.git_repo.has_value(), "gitRepo"},
      {v.nfs.has_value(), "nfs"},
      {v.iscsi.has_value(), "iscsi"},
      {v.glusterfs.has_value(), "glusterfs"},
      {v.rbd.has_value(), "rbd"},
      {v.flex_volume.has_value(), "flexVolume"},
      {v.cinder.has_value(), "cinder"},
      {v.cephfs.has_value(), "cephfs"},
      {v.flocker.has_value(), "flocker"},
      {v.fc.has_value(), "fc"},
      {v.azure_file.has_value(), "azureFile"},
      {v.vsphere_volume.has_value(), "vsphereVolume"},
      {v.quobyte.has_value(), "quobyte"},
      {v.azure_disk.has_value(), "azureDisk"},
      {v.photon_persistent_disk.has_value(), "photonPersistentDisk"},
      {v.portworx_volume.has_value(), "portworxVolume"},
      {v.scale_io.has_value(), "scaleIO"},
      {v.storageos.has_value(), "storageos"},
  };
  for (const auto& [set, name] : types) {
    if (set) return std::string(name);
  }
  return {};
}

void check_volumes(const Pod& pod, Violations& out) {
  Names names;
  std::set<std::string> types;
  for (const auto& volume : pod.spec.volumes) {
    std::string type = restricted_type(volume.volume_source);
    if (type.empty()) continue;
    names.push_back(volume.name);
    types.insert(std::move(type));
  }
  if (names.empty()) return;
  out.push_back({"restricted volume types",
                 cat(volumes_text(names), names.size() == 1 ? " uses " : " use ",
                     types.size() == 1 ? "restricted volume type " : "restricted volume types ",
                     quoted_list(types))});
}

void check_non_root(const Pod& pod, Violations& out) {
  const bool pod_says_no = pod.context != nullptr && pod.context->run_as_non_root == false;
  const bool pod_says_yes = pod.context != nullptr && pod.context->run_as_non_root == true;
  const Names say_no = pod.which(
      [](const auto& c) { return c.context != nullptr && c.context->run_as_non_root == false; });
  const Names silent = pod.which([&](const auto& c) {
    return !pod_says_yes && (c.context == nullptr || !c.context->run_as_non_root);
  });
  // All containers saying yes makes up for the pod.
  if (!say_no.empty() || (pod_says_no && !silent.empty())) {
    out.push_back(
        {"runAsNonRoot != true",
         cat(setters(pod_says_no, say_no), " must not set securityContext.runAsNonRoot=false")});
  } else if (!silent.empty()) {
    out.push_back({"runAsNonRoot != true", cat("pod or ", containers_text(silent),
                                               " must set securityContext.runAsNonRoot=true")});
  }
}

void check_user(const Pod& pod, Violations& out) {
  const bool by_pod = pod.context != nullptr && pod.context->run_as_user == 0;
  const Names names =
      pod.which([](const auto& c) { return c.context != nullptr && c.context->run_as_user == 0; });
  if (by_pod || !names.empty())
    out.push_back({"runAsUser=0", cat(setters(by_pod, names), " must not set runAsUser=0")});
}

void check_seccomp_restricted(const Pod& pod, Violations& out) {
  if (pod.windows || explicit_seccomp(pod, out)) return;
  const bool pod_sets = pod.context != nullptr && pod.context->seccomp_profile;
  const Names silent = pod.which([&](const auto& c) {
    return !pod_sets && (c.context == nullptr || !c.context->seccomp_profile);
  });
  if (silent.empty()) return;
  out.push_back({"seccompProfile", cat("pod or ", containers_text(silent),
                                       " must set securityContext.seccompProfile.type to "
                                       "\"RuntimeDefault\" or \"Localhost\"")});
}

}  // namespace

std::vector<SecurityViolation> security_violations(SecurityLevel level,
                                                   const metav1::ObjectMeta& metadata,
                                                   const corev1::PodSpec& spec) {
  Violations out;
  if (level == SecurityLevel::kPrivileged) return out;
  Pod pod{metadata, spec, {}, spec.security_context.get(), spec.os && spec.os->name == "windows"};
  for (const auto& container : spec.init_containers) pod.containers.push_back(view_of(container));
  for (const auto& container : spec.containers) pod.containers.push_back(view_of(container));
  for (const auto& container : spec.ephemeral_containers)
    pod.containers.push_back(view_of(container.ephemeral_container_common));
  const bool restricted = level == SecurityLevel::kRestricted;
  // The restricted level has stricter forms of three of the checks.
  check_app_armor(pod, out);
  if (!restricted) check_capabilities_baseline(pod, out);
  check_host_namespaces(pod, out);
  if (!restricted) check_host_paths(pod, out);
  check_host_ports(pod, out);
  check_probe_hosts(pod, out);
  check_privileged(pod, out);
  check_proc_mount(pod, out);
  check_se_linux(pod, out);
  if (!restricted) explicit_seccomp(pod, out);
  check_sysctls(pod, out);
  check_host_process(pod, out);
  if (!restricted) return out;
  check_escalation(pod, out);
  check_capabilities_restricted(pod, out);
  check_volumes(pod, out);
  check_non_root(pod, out);
  check_user(pod, out);
  check_seccomp_restricted(pod, out);
  return out;
}

}  // namespace kpp::apiserver
