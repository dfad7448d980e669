#include "dockershim/security_spec.h"

namespace kpp::dockershim {
namespace {

json::Array to_array(const std::vector<std::string>& texts) {
  json::Array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

void add_seccomp(const cri::LinuxContainerSecurityContext& security, const std::string& profile,
                 json::Array& options) {
  if (!security.seccomp || security.seccomp->profile_type == kUnconfined)
    options.emplace_back("seccomp=unconfined");
  else if (security.seccomp->profile_type == kLocalhost)
    options.emplace_back(cat("seccomp=", profile));
}

void add_apparmor(const cri::LinuxContainerSecurityContext& security, json::Array& options) {
  if (!security.apparmor) return;
  if (security.apparmor->profile_type == kUnconfined)
    options.emplace_back("apparmor=unconfined");
  else if (security.apparmor->profile_type == kLocalhost)
    options.emplace_back(cat("apparmor=", security.apparmor->localhost_ref));
}

}  // namespace

std::string user_text(const api::Opt<cri::Int64Value>& user, const api::Opt<cri::Int64Value>& group,
                      const std::string& user_name) {
  std::string out = user_name;
  if (user) out = cat(user->value);
  if (group && !out.empty()) out += cat(":", group->value);
  return out;
}

void add_selinux(const cri::SELinuxOption& labels, json::Array& options) {
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) options.emplace_back(cat("label=", name, ":", value));
  };
  add("user", labels.user);
  add("role", labels.role);
  add("type", labels.type);
  add("level", labels.level);
}

GrpcStatus add_security(const cri::LinuxContainerSecurityContext& security,
                        const std::string& seccomp_profile, json::Object& host) {
  if (security.supplemental_groups_policy == cri::Strict) {
    return {net::kGrpcUnimplemented,
            "docker cannot leave out the groups that the image gives its user"};
  }
  if (security.run_as_group && !security.run_as_user && security.run_as_username.empty()) {
    return {net::kGrpcInvalidArgument, "runAsGroup is specified without a runAsUser"};
  }
  host["Privileged"] = security.privileged;
  host["ReadonlyRootfs"] = security.readonly_rootfs;
  json::Array groups;
  for (const std::int64_t group : security.supplemental_groups) groups.emplace_back(cat(group));
  host["GroupAdd"] = std::move(groups);
  if (security.capabilities) {
    if (!security.capabilities->add_ambient_capabilities.empty())
      return {net::kGrpcUnimplemented, "docker cannot give ambient capabilities"};
    host["CapAdd"] = to_array(security.capabilities->add_capabilities);
    host["CapDrop"] = to_array(security.capabilities->drop_capabilities);
  }
  json::Array options;
  if (security.selinux_options) add_selinux(*security.selinux_options, options);
  if (!security.privileged) add_seccomp(security, seccomp_profile, options);
  add_apparmor(security, options);
  if (security.no_new_privs) options.emplace_back("no-new-privileges");
  host["SecurityOpt"] = std::move(options);
  if (!security.privileged) {
    host["MaskedPaths"] = to_array(security.masked_paths);
    host["ReadonlyPaths"] = to_array(security.readonly_paths);
  }
  return {};
}

std::string signal_name(std::int32_t signal) {
  constexpr std::string_view kNames[] = {
      "ABRT", "ALRM",   "BUS",  "CHLD",   "CLD",   "CONT", "FPE",  "HUP",  "ILL",
      "INT",  "IO",     "IOT",  "KILL",   "PIPE",  "POLL", "PROF", "PWR",  "QUIT",
      "SEGV", "STKFLT", "STOP", "SYS",    "TERM",  "TRAP", "TSTP", "TTIN", "TTOU",
      "URG",  "USR1",   "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ"};
  constexpr std::int32_t kNamed = static_cast<std::int32_t>(std::size(kNames));
  if (signal <= 0 || signal > cri::SIGRTMAX_) return {};
  if (signal <= kNamed) return cat("SIG", kNames[signal - 1]);
  // SIGRTMIN, SIGRTMIN+1 ... +15, SIGRTMAX-14 ... -1, SIGRTMAX
  const std::int32_t above = signal - cri::SIGRTMIN_;
  if (above == 0) return "SIGRTMIN";
  if (above <= 15) return cat("SIGRTMIN+", above);
  const std::int32_t below = cri::SIGRTMAX_ - signal;
  return below == 0 ? "SIGRTMAX" : cat("SIGRTMAX-", below);
}

}  // namespace kpp::dockershim
