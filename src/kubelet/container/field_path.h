// The downward API: fields of a pod and resources of its containers as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/corev1.h"
#include "base/status.h"
#include "kubelet/container/resources.h"

namespace kpp::kubelet {

// What a pod's fields are read from beside its object: addresses are known before the status says
// so.
struct PodFacts {
  std::vector<std::string> pod_ips;
  std::vector<std::string> host_ips;
  ResourceList node_allocatable;  // stands in for limits that are not set
  std::string seen;               // when the kubelet first saw the pod
};

Result<std::string> pod_field(const corev1::Pod& pod, std::string_view path, const PodFacts& facts);

// `container` is used if the selector names none.
Result<std::string> container_resource(const corev1::Pod& pod,
                                       const corev1::ResourceFieldSelector& selector,
                                       const std::string& container, const PodFacts& facts);

// The sandbox's host name, and the fully qualified name (empty if the pod has no subdomain).
struct PodHostname {
  std::string hostname;
  std::string domain;  // sub.ns.svc.cluster.local, or empty
  std::string fqdn() const { return domain.empty() ? hostname : cat(hostname, ".", domain); }
};
PodHostname pod_hostname(const corev1::Pod& pod, std::string_view cluster_domain);

// "name_namespace(uid)", as messages name a pod.
std::string pod_text(const corev1::Pod& pod);

}  // namespace kpp::kubelet
