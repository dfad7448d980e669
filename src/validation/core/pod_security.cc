#include "validation/core/pod_security.h"

#include <algorithm>
#include <set>

#include "validation/core/volumes.h"
#include "validation/formats.h"

namespace kpp::validation {
namespace {

void check_id(FieldErrors& errors, const FieldPath& at, const std::optional<std::int64_t>& id) {
  if (id) errors.invalid_each(at, *id, in_range(*id, 0, 2147483647));
}

void check_seccomp(FieldErrors& errors, const FieldPath& at,
                   const api::Opt<corev1::SeccompProfile>& profile) {
  if (!profile) return;
  const FieldPath file = at.child("localhostProfile");
  if (profile->type == "Localhost") {
    if (!profile->localhost_profile) {
      errors.required(file, "must be set when seccomp type is Localhost");
    } else {
      check_descending_path(errors, file, *profile->localhost_profile);
    }
    return;
  }
  if (profile->localhost_profile) {
    errors.invalid(file, *profile->localhost_profile,
                   "can only be set when seccomp type is Localhost");
  }
  if (profile->type.empty()) {
    errors.required(at.child("type"), "type is required when seccompProfile is set");
  } else if (profile->type != "RuntimeDefault" && profile->type != "Unconfined") {
    errors.not_supported(at.child("type"), profile->type,
                         {"Localhost", "RuntimeDefault", "Unconfined"});
  }
}

void check_app_armor(FieldErrors& errors, const FieldPath& at,
                     const api::Opt<corev1::AppArmorProfile>& profile) {
  if (!profile) return;
  const FieldPath name = at.child("localhostProfile");
  if (profile->type == "Localhost") {
    if (!profile->localhost_profile) {
      errors.required(name, "must be set when AppArmor type is Localhost");
      return;
    }
    const std::string_view text = trimmed(*profile->localhost_profile);
    if (text != *profile->localhost_profile) {
      errors.invalid(name, *profile->localhost_profile, "must not be padded with whitespace");
    } else if (text.empty()) {
      errors.required(name, "must be set when AppArmor type is Localhost");
    }
    if (text.size() > 4095) errors.too_long(name, 4095);
    return;
  }
  if (profile->localhost_profile) {
    errors.invalid(name, *profile->localhost_profile,
                   "can only be set when AppArmor type is Localhost");
  }
  if (profile->type.empty()) {
    errors.required(at.child("type"), "type is required when appArmorProfile is set");
  } else if (profile->type != "RuntimeDefault" && profile->type != "Unconfined") {
    errors.not_supported(at.child("type"), profile->type,
                         {"Localhost", "RuntimeDefault", "Unconfined"});
  }
}

// ([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?
bool is_sysctl_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.size() > 253) return false;
  for (;;) {
    const std::size_t end = name.find_first_of("./");
    const std::string_view part = name.substr(0, end);
    const bool good = !part.empty() && plain(part.front()) && plain(part.back()) &&
                      std::all_of(part.begin(), part.end(),
                                  [&](char c) { return plain(c) || c == '-' || c == '_'; });
    if (!good) return false;
    if (end == std::string_view::npos) return true;
    name.remove_prefix(end + 1);
  }
}

void check_sysctls(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  std::set<std::string> names;
  const std::vector<corev1::Sysctl>& sysctls = spec.security_context->sysctls;
  for (std::size_t i = 0; i < sysctls.size(); ++i) {
    const FieldPath here = at.index(i).child("name");
    const std::string& name = sysctls[i].name;
    if (name.empty()) {
      errors.required(here);
    } else if (!is_sysctl_name(name)) {
      errors.invalid(here, name,
                     "must have at most 253 characters and match regex "
                     "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
    } else if (!names.insert(name).second) {
      errors.duplicate(here, name);
    }
    const bool network = name.starts_with("net.") || name.starts_with("net/");
    const bool ipc = name.starts_with("kernel.shm") || name.starts_with("kernel.msg") ||
                     name == "kernel.sem" || name.starts_with("fs.mqueue.");
    if (spec.host_network && network)
      errors.invalid(here, name, "may not be specified when 'hostNetwork' is true");
    if (spec.host_ipc && ipc)
      errors.invalid(here, name, "may not be specified when 'hostIPC' is true");
  }
}

}  // namespace

void check_security_context(FieldErrors& errors, const FieldPath& at,
                            const api::Opt<corev1::SecurityContext>& context, bool host_users) {
  if (!context) return;
  check_id(errors, at.child("runAsUser"), context->run_as_user);
  check_id(errors, at.child("runAsGroup"), context->run_as_group);
  if (context->proc_mount) {
    const std::string& mode = *context->proc_mount;
    if (mode != "Default" && mode != "Unmasked") {
      errors.not_supported(at.child("procMount"), mode, {"Default", "Unmasked"});
    }
    if (mode == "Unmasked" && host_users) {
      errors.invalid(at.child("procMount"), mode, "`hostUsers` must be false to use `Unmasked`");
    }
  }
  check_seccomp(errors, at.child("seccompProfile"), context->seccomp_profile);
  if (context->allow_privilege_escalation == false) {
    if (context->privileged.value_or(false)) {
      errors.invalid(at, Value(""),
                     "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    }
    if (context->capabilities && contains(context->capabilities->add, "CAP_SYS_ADMIN")) {
      errors.invalid(
          at, Value(""),
          "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
    }
  }
  check_app_armor(errors, at.child("appArmorProfile"), context->app_armor_profile);
}

void check_pod_security_context(FieldErrors& errors, const FieldPath& at,
                                const corev1::PodSpec& spec) {
  if (spec.security_context) {
    const corev1::PodSecurityContext& context = *spec.security_context;
    check_id(errors, at.child("fsGroup"), context.fs_group);
    check_id(errors, at.child("runAsUser"), context.run_as_user);
    check_id(errors, at.child("runAsGroup"), context.run_as_group);
    for (std::size_t i = 0; i < context.supplemental_groups.size(); ++i) {
      check_id(errors, at.child("supplementalGroups").index(i), context.supplemental_groups[i]);
    }
  }
  if (spec.share_process_namespace.value_or(false) && spec.host_pid) {
    errors.invalid(at.child("shareProcessNamespace"), true,
                   "ShareProcessNamespace and HostPID cannot both be enabled");
  }
  if (!spec.security_context) return;
  const corev1::PodSecurityContext& context = *spec.security_context;
  check_sysctls(errors, at.child("sysctls"), spec);
  if (context.fs_group_change_policy && *context.fs_group_change_policy != "Always" &&
      *context.fs_group_change_policy != "OnRootMismatch") {
    errors.not_supported(at.child("fsGroupChangePolicy"), *context.fs_group_change_policy,
                         {"Always", "OnRootMismatch"});
  }
  check_seccomp(errors, at.child("seccompProfile"), context.seccomp_profile);
  check_app_armor(errors, at.child("appArmorProfile"), context.app_armor_profile);
  if (context.supplemental_groups_policy && *context.supplemental_groups_policy != "Merge" &&
      *context.supplemental_groups_policy != "Strict") {
    errors.not_supported(at.child("supplementalGroupsPolicy"), *context.supplemental_groups_policy,
                         {"Merge", "Strict"});
  }
  if (context.se_linux_change_policy && *context.se_linux_change_policy != "MountOption" &&
      *context.se_linux_change_policy != "Recursive") {
    errors.not_supported(at.child("seLinuxChangePolicy"), *context.se_linux_change_policy,
                         {"MountOption", "Recursive"});
  }
}

}  // namespace kpp::validation
