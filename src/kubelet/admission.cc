#include "kubelet/admission.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <tuple>

#include "kubelet/container/resources.h"
#include "kubelet/container/sysctls.h"

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

std::optional<StartError> refused_sysctl(const corev1::Pod& pod, const NodeFacts& node) {
  if (!pod.spec.security_context) return std::nullopt;
  for (const auto& sysctl : pod.spec.security_context->sysctls) {
    const std::string name = dotted_sysctl(sysctl.name);
    const auto refuse = [&](std::string_view why) {
      return StartError{"SysctlForbidden",
                        cat("forbidden sysctl: ", quoted(sysctl.name), " ", why)};
    };
    if (std::ranges::find(kSafeSysctls, name) == kSafeSysctls.end() &&
        !sysctl_listed(name, node.allowed_unsafe_sysctls))
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

bool holds(const corev1::NodeSelectorRequirement& wanted, const std::string* value) {
  const auto listed = [&] {
    return value && std::ranges::find(wanted.values, *value) != wanted.values.end();
  };
  const auto number = [](const std::string& text) {
    return std::strtoll(text.c_str(), nullptr, 10);
  };
  if (wanted.operator_ == "In") return listed();
  if (wanted.operator_ == "NotIn") return !listed();
  if (wanted.operator_ == "Exists") return value != nullptr;
  if (wanted.operator_ == "DoesNotExist") return value == nullptr;
  if (value == nullptr || wanted.values.empty()) return false;
  if (wanted.operator_ == "Gt") return number(*value) > number(wanted.values.front());
  if (wanted.operator_ == "Lt") return number(*value) < number(wanted.values.front());
  return false;
}

bool matches(const corev1::NodeSelectorTerm& term, const NodeLabels& labels,
             const std::string& node_name) {
  if (term.match_expressions.empty() && term.match_fields.empty()) return false;
  for (const auto& wanted : term.match_expressions) {
    const auto it = labels.find(wanted.key);
    if (!holds(wanted, it == labels.end() ? nullptr : &it->second)) return false;
  }
  return std::ranges::all_of(term.match_fields, [&](const auto& wanted) {
    return holds(wanted, wanted.key == "metadata.name" ? &node_name : nullptr);
  });
}

std::optional<StartError> refused_affinity(const corev1::Pod& pod, const NodeLabels& labels) {
  bool fits = std::ranges::all_of(pod.spec.node_selector, [&](const auto& item) {
    const auto it = labels.find(item.first);
    return it != labels.end() && it->second == item.second;
  });
  if (pod.spec.affinity && pod.spec.affinity->node_affinity &&
      pod.spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution) {
    const auto& required =
        *pod.spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
    fits = fits && std::ranges::any_of(required.node_selector_terms, [&](const auto& term) {
             return matches(term, labels, pod.spec.node_name);
           });
  }
  if (fits) return std::nullopt;
  return StartError{"NodeAffinity",
                    "Predicate NodeAffinity failed: node(s) didn't match Pod's node "
                    "affinity/selector"};
}

using HostPort = std::tuple<std::string, std::string, std::int32_t>;  // address, protocol, port

std::vector<HostPort> host_ports(const corev1::Pod& pod) {
  std::vector<HostPort> out;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& c : *list) {
      if (list == &pod.spec.init_containers && !is_restartable_init(c)) continue;
      for (const auto& port : c.ports) {
        if (port.host_port <= 0) continue;
        out.emplace_back(port.host_ip.empty() ? "0.0.0.0" : port.host_ip,
                         port.protocol.empty() ? "TCP" : port.protocol, port.host_port);
      }
    }
  }
  return out;
}

std::optional<StartError> refused_ports(const corev1::Pod& pod, const std::vector<PodRef>& others) {
  const auto wanted = host_ports(pod);
  if (wanted.empty()) return std::nullopt;
  for (const auto& other : others) {
    for (const auto& [address, protocol, port] : host_ports(*other)) {
      for (const auto& [own_address, own_protocol, own_port] : wanted) {
        const bool meets =
            own_address == address || own_address == "0.0.0.0" || address == "0.0.0.0";
        if (!meets || own_protocol != protocol || own_port != port) continue;
        return StartError{"NodePorts",
                          "Predicate NodePorts failed: node(s) didn't have free ports for the "
                          "requested pod ports"};
      }
    }
  }
  return std::nullopt;
}

std::optional<StartError> refused_system(const corev1::Pod& pod) {
  if (!pod.spec.os || pod.spec.os->name == "linux") return std::nullopt;
  return StartError{"PodOSNotSupported",
                    "Failed to admit pod as the OS field doesn't match node OS"};
}

}  // namespace

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

std::optional<StartError> refused_capacity(const corev1::Pod& pod, const NodeFacts& node) {
  const PodResources wanted = pod_resources(pod);
  for (const std::string resource : {"cpu", "memory"}) {
    const std::int64_t requested = amount_of(wanted.requests, resource);
    const std::int64_t capacity = amount_of(node.allocatable, resource);
    if (requested > capacity) {
      return StartError{cat("OutOf", resource),
                        cat("Node didn't have enough capacity: ", resource,
                            ", requested: ", requested, ", capacity: ", capacity)};
    }
  }
  return std::nullopt;
}

std::optional<StartError> refusal_of(const corev1::Pod& pod, const std::vector<PodRef>& others,
                                     const NodeFacts& node, const NodeLabels& labels) {
  if (auto why = refused_system(pod)) return why;
  if (auto why = refused_resources(pod, others, node)) return why;
  if (auto why = refused_affinity(pod, labels)) return why;
  if (auto why = refused_ports(pod, others)) return why;
  if (auto why = refused_app_armor(pod)) return why;
  return refused_sysctl(pod, node);
}

}  // namespace kpp::kubelet
