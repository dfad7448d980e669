#include "kubelet/container/security.h"

#include "kubelet/container/field_path.h"

namespace kpp::kubelet {
namespace {

enum ProfileType : std::int32_t { kRuntimeDefault = 0, kUnconfined = 1, kLocalhost = 2 };

cri::Int64Value int_value(std::int64_t v) {
  cri::Int64Value out;
  out.value = v;
  return out;
}

cri::NamespaceOption namespaces(const corev1::Pod& pod) {
  cri::NamespaceOption out;
  out.network = pod.spec.host_network ? cri::NODE : cri::POD;
  out.ipc = pod.spec.host_ipc ? cri::NODE : cri::POD;
  if (pod.spec.host_pid) {
    out.pid = cri::NODE;
  } else {
    out.pid = pod.spec.share_process_namespace.value_or(false) ? cri::POD : cri::CONTAINER;
  }
  return out;
}

cri::SecurityProfile profile_of(const corev1::SeccompProfile* profile,
                                const SeccompOptions& options) {
  cri::SecurityProfile out;
  out.profile_type = kUnconfined;
  if (profile == nullptr) {
    if (options.runtime_default) out.profile_type = kRuntimeDefault;
    return out;
  }
  if (profile->type == "RuntimeDefault") out.profile_type = kRuntimeDefault;
  if (profile->type == "Localhost") {
    out.profile_type = kLocalhost;
    out.localhost_ref = cat(options.directory, "/", profile->localhost_profile.value_or(""));
  }
  return out;
}

const std::vector<std::string>& default_masked_paths() {
  static const std::vector<std::string> paths{
      "/proc/asound",     "/proc/acpi",        "/proc/interrupts",
      "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
      "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
      "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
  return paths;
}

const std::vector<std::string>& default_readonly_paths() {
  static const std::vector<std::string> paths{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                              "/proc/sysrq-trigger"};
  return paths;
}

Status check_non_root(const corev1::Pod& pod, const corev1::Container& container,
                      std::optional<bool> non_root, std::optional<std::int64_t> run_as,
                      const ImageUser& image_user) {
  if (!non_root.value_or(false)) return {};
  const std::string where =
      cat("(pod: ", quoted(pod_text(pod)), ", container: ", container.name, ")");
  if (run_as) {
    if (*run_as == 0)
      return {Reason::kInvalid, cat("container's runAsUser breaks non-root policy ", where)};
    return {};
  }
  if (!image_user.uid && !image_user.username.empty()) {
    return {Reason::kInvalid,
            cat("container has runAsNonRoot and image has non-numeric user (", image_user.username,
                "), cannot verify user is non-root ", where)};
  }
  if (image_user.uid.value_or(0) == 0)  // an image that names no user runs as root
    return {Reason::kInvalid, cat("container has runAsNonRoot and image will run as root ", where)};
  return {};
}

}  // namespace

Result<cri::LinuxContainerSecurityContext> container_security(const corev1::Pod& pod,
                                                              const corev1::Container& container,
                                                              const ImageUser& image_user,
                                                              const SeccompOptions& seccomp) {
  const corev1::PodSecurityContext none_pod;
  const corev1::SecurityContext none;
  const auto& whole = pod.spec.security_context ? *pod.spec.security_context : none_pod;
  const auto& own = container.security_context ? *container.security_context : none;

  cri::LinuxContainerSecurityContext out;
  const auto run_as = own.run_as_user ? own.run_as_user : whole.run_as_user;
  const auto group = own.run_as_group ? own.run_as_group : whole.run_as_group;
  const auto non_root = own.run_as_non_root ? own.run_as_non_root : whole.run_as_non_root;
  KPP_RETURN_IF_ERROR(check_non_root(pod, container, non_root, run_as, image_user));

  // Without a user the runtime would start as root: say who the image wants.
  if (run_as) {
    out.run_as_user = int_value(*run_as);
  } else if (image_user.uid) {
    out.run_as_user = int_value(*image_user.uid);
  } else {
    out.run_as_username = image_user.username;
  }
  if (group) out.run_as_group = int_value(*group);
  if (own.capabilities) {
    auto& capabilities = out.capabilities.emplace();
    capabilities.add_capabilities = own.capabilities->add;
    capabilities.drop_capabilities = own.capabilities->drop;
  }
  out.privileged = own.privileged.value_or(false);
  out.readonly_rootfs = own.read_only_root_filesystem.value_or(false);
  out.no_new_privs = own.allow_privilege_escalation.has_value() && !*own.allow_privilege_escalation;
  out.namespace_options = namespaces(pod);
  const auto* profile =
      own.seccomp_profile ? own.seccomp_profile.get() : whole.seccomp_profile.get();
  if (out.privileged) {
    out.seccomp.emplace().profile_type = kUnconfined;
  } else {
    out.seccomp = profile_of(profile, seccomp);
  }
  out.supplemental_groups = whole.supplemental_groups;
  if (whole.fs_group) out.supplemental_groups.push_back(*whole.fs_group);
  out.supplemental_groups_policy =
      whole.supplemental_groups_policy == "Strict" ? cri::Strict : cri::Merge;
  if (!out.privileged && own.proc_mount.value_or("Default") != "Unmasked") {
    out.masked_paths = default_masked_paths();
    out.readonly_paths = default_readonly_paths();
  }
  return out;
}

cri::LinuxSandboxSecurityContext sandbox_security(const corev1::Pod& pod) {
  cri::LinuxSandboxSecurityContext out;
  out.namespace_options = namespaces(pod);
  // The sandbox itself always runs under the runtime's own profile.
  out.seccomp.emplace().profile_type = kRuntimeDefault;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& c : *list) {
      if (c.security_context && c.security_context->privileged.value_or(false))
        out.privileged = true;
    }
  }
  if (!pod.spec.security_context) return out;
  const auto& whole = *pod.spec.security_context;
  if (whole.run_as_user) out.run_as_user = int_value(*whole.run_as_user);
  if (whole.run_as_group) out.run_as_group = int_value(*whole.run_as_group);
  out.supplemental_groups = whole.supplemental_groups;
  if (whole.fs_group) out.supplemental_groups.push_back(*whole.fs_group);
  return out;
}

}  // namespace kpp::kubelet
