#include "kubelet/admission.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "kubelet/container/resources.h"

namespace kpp::kubelet {
namespace {

// Settings of the kernel that are the pod's own and can harm no other.
constexpr std::array<std::string_view, 12> kSafeSysctls = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
};

// The name with dots between its parts, whichever separator it was given with.
std::string dotted(std::string name) {
  const auto first = name.find_first_of("./");
  if (first == std::string::npos || name[first] == '.') return name;
  for (char& c : name) c = c == '/' ? '.' : c == '.' ? '/' : c;
  return name;
}

std::optional<StartError> refused_sysctl(const corev1::Pod& pod) {
  if (!pod.spec.security_context) return std::nullopt;
  for (const auto& sysctl : pod.spec.security_context->sysctls) {
    const std::string name = dotted(sysctl.name);
    const auto refuse = [&](std::string_view why) {
      return StartError{"SysctlForbidden",
                        cat("forbidden sysctl: ", quoted(sysctl.name), " ", why)};
    };
    if (std::ranges::find(kSafeSysctls, name) == kSafeSysctls.end())
      return refuse("not allowlisted");
    if (pod.spec.host_network && name.starts_with("net."))
      return refuse("not allowed with host net enabled");
    if (pod.spec.host_ipc && name.starts_with("kernel.shm"))
      return refuse("not allowed with host ipc enabled");
  }
  return std::nullopt;
}

template <class Context>
bool wants_app_armor(const Context& context) {
  return context && context->app_armor_profile && context->app_armor_profile->type != "Unconfined";
}

std::optional<StartError> refused_app_armor(const corev1::Pod& pod) {
  bool wanted = wants_app_armor(pod.spec.security_context);
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& c : *list) wanted = wanted || wants_app_armor(c.security_context);
  }
  if (!wanted) return std::nullopt;
  return StartError{"AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host"};
}

// In thousandths of a core, bytes, or pieces.
std::int64_t amount_of(const ResourceList& list, const std::string& resource) {
  return resource == "cpu" ? milli_of(list, resource) : value_of(list, resource);
}

std::optional<StartError> refused_resources(const corev1::Pod& pod,
                                            const std::vector<PodRef>& others,
                                            const NodeFacts& node) {
  const auto refuse = [](const std::string& resource, std::int64_t requested, std::int64_t used,
                         std::int64_t capacity) {
    return StartError{cat("OutOf", resource),
                      cat("Node didn't have enough resource: ", resource,
                          ", requested: ", requested, ", used: ", used, ", capacity: ", capacity)};
  };
  const std::int64_t room = value_of(node.allocatable, "pods");
  const auto count = static_cast<std::int64_t>(others.size());
  if (room > 0 && count + 1 > room) return refuse("pods", 1, count, room);
  const PodResources wanted = pod_resources(pod);
  for (const std::string resource : {"cpu", "memory", "ephemeral-storage"}) {
    const std::int64_t requested = amount_of(wanted.requests, resource);
    if (requested == 0 || !node.allocatable.contains(resource)) continue;
    std::int64_t used = 0;
    for (const auto& other : others) used += amount_of(pod_resources(*other).requests, resource);
    const std::int64_t capacity = amount_of(node.allocatable, resource);
    if (requested > capacity - used) return refuse(resource, requested, used, capacity);
  }
  return std::nullopt;
}

}  // namespace

std::optional<StartError> refusal_of(const corev1::Pod& pod, const std::vector<PodRef>& others,
                                     const NodeFacts& node) {
  if (auto why = refused_resources(pod, others, node)) return why;
  if (auto why = refused_app_armor(pod)) return why;
  return refused_sysctl(pod);
}

}  // namespace kpp::kubelet
