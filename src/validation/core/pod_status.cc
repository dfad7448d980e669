// Updates of a pod's status.
#include <algorithm>
#include <set>

#include "validation/addresses.h"
#include "validation/core/pods.h"
#include "validation/go_value.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

void check_container_statuses(FieldErrors& errors, const FieldPath& at,
                              const std::vector<corev1::ContainerStatus>& now,
                              const std::vector<corev1::ContainerStatus>& old,
                              const std::string& restart_policy) {
  if (restart_policy == "Always") return;
  for (const corev1::ContainerStatus& was : old) {
    if (!was.state.terminated) continue;
    if (restart_policy == "OnFailure" && was.state.terminated->exit_code != 0) continue;
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (now[i].name == was.name && !now[i].state.terminated) {
        errors.forbidden(at.index(i).child("state"),
                         "may not be transitioned to non-terminated state");
      }
    }
  }
}

template <class List>
std::string go_list(const List& list) {
  std::string out = "[";
  for (const auto& item : list) {
    out += cat(out.size() > 1 ? "," : "", go_json(std::decay_t<decltype(item)>::desc(), &item));
  }
  return out + "]";
}

template <class List>
void check_addresses(FieldErrors& errors, const FieldPath& at, const List& addresses,
                     std::string_view what) {
  int v4 = 0;
  int v6 = 0;
  std::string broken;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    check_ip(errors, at.index(i), addresses[i].ip);
    const std::optional<Ip> ip = parse_ip(addresses[i].ip);
    if (ip) {
      (ip->v6 ? v6 : v4)++;
    } else if (broken.empty()) {
      broken = cat("invalid IP[", i, "]: ", addresses[i].ip);
    }
  }
  if (addresses.size() < 2) return;
  if (!broken.empty())
    errors.internal(at, cat("failed to check for dual stack with error:", broken));
  const bool dual = broken.empty() && v4 == 1 && v6 == 1;
  if (addresses.size() > 2 || !dual) {
    errors.invalid(at, Value::raw(go_list(addresses)),
                   cat("may specify no more than one IP for each IP family", what));
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (!seen.insert(addresses[i].ip).second) errors.duplicate(at.index(i), addresses[i].ip);
  }
}

}  // namespace

void check_pod_status_change(FieldErrors& errors, const corev1::Pod& pod, const corev1::Pod& old) {
  check_metadata_update(errors, pod.metadata, old.metadata);
  const FieldPath at("status");
  for (std::size_t i = 0; i < pod.status.conditions.size(); ++i) {
    const std::string& type = pod.status.conditions[i].type;
    if (type == "PodScheduled" || type == "Ready" || type == "Initialized" ||
        type == "ContainersReady")
      continue;
    check_label_key(errors, at.child("conditions").index(i).child("Type"), type);
  }
  if (pod.spec.node_name != old.spec.node_name) {
    errors.forbidden(at.child("nodeName"), "may not be changed directly");
  }
  if (!pod.status.nominated_node_name.empty()) {
    check_dns1123_subdomain(errors, at.child("nominatedNodeName"), pod.status.nominated_node_name);
  }
  if (!old.status.qos_class.empty() && pod.status.qos_class != old.status.qos_class) {
    errors.invalid(at.child("qosClass"), pod.status.qos_class, kImmutable);
  }
  check_container_statuses(errors, at.child("containerStatuses"), pod.status.container_statuses,
                           old.status.container_statuses, pod.spec.restart_policy);
  check_addresses(errors, at.child("podIPs"), pod.status.pod_ips, "");
  check_addresses(errors, at.child("hostIPs"), pod.status.host_ips, "");
  for (std::size_t i = 0; i < pod.status.resource_claim_statuses.size(); ++i) {
    const std::string& name = pod.status.resource_claim_statuses[i].name;
    const bool known = std::any_of(pod.spec.resource_claims.begin(), pod.spec.resource_claims.end(),
                                   [&](const auto& claim) { return claim.name == name; });
    if (!known) {
      errors.invalid(at.child("resourceClaimStatuses").index(i).child("name"), name,
                     "must match the name of an entry in `spec.resourceClaims`");
    }
  }
}

}  // namespace kpp::validation
