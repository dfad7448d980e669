#include "scheduler/types.h"

#include <algorithm>

#include "api/quantity.h"

namespace kpp::scheduler {

std::vector<HostPort> host_ports(const corev1::Pod& pod) {
  std::vector<HostPort> out;
  const auto collect = [&out](const corev1::Container& container) {
    for (const auto& port : container.ports) {
      if (port.host_port <= 0) continue;
      out.push_back({port.host_ip.empty() ? "0.0.0.0" : port.host_ip,
                     port.protocol.empty() ? "TCP" : port.protocol, port.host_port});
    }
  };
  for (const auto& container : pod.spec.containers) collect(container);
  for (const auto& container : pod.spec.init_containers) {
    if (container.restart_policy.value_or("") == "Always") collect(container);
  }
  return out;
}

PodInfo::PodInfo(PodRef p)
    : pod(std::move(p)),
      requests(pod_requests(*pod)),
      score_requests(pod_requests_for_score(*pod)),
      ports(host_ports(*pod)),
      affinity(*pod) {}

void NodeInfo::set_node(NodeRef n) {
  node = std::move(n);
  allocatable = {};
  allowed_pods = 0;
  unschedulable = node && node->spec.unschedulable;
  tainted = node && !node->spec.taints.empty();
  if (!node) return;
  for (const auto& [name, amount] : node->status.allocatable) {
    if (name == "pods") {
      allowed_pods = api::Amount::from(amount).value();
    } else {
      allocatable.set(name, amount);
    }
  }
}

void NodeInfo::add_pod(const PodInfoRef& pod) {
  pods.push_back(pod);
  requested.add(pod->requests);
  score_requested.add(pod->score_requests);
  ports.insert(pod->ports.begin(), pod->ports.end());
  if (!pod->affinity.empty()) ++with_affinity;
  if (!pod->affinity.required_anti.empty()) ++with_required_anti;
}

void NodeInfo::remove_pod(const api::ObjectKey& key) {
  const auto found = std::find_if(pods.begin(), pods.end(), [&](const PodInfoRef& p) {
    return p->pod->metadata.name == key.name && p->pod->metadata.namespace_ == key.namespace_;
  });
  if (found == pods.end()) return;
  requested.subtract((*found)->requests);
  score_requested.subtract((*found)->score_requests);
  for (const auto& port : (*found)->ports) ports.erase(ports.find(port));
  if (!(*found)->affinity.empty()) --with_affinity;
  if (!(*found)->affinity.required_anti.empty()) --with_required_anti;
  *found = pods.back();
  pods.pop_back();
}

}  // namespace kpp::scheduler
