#include "network/policy/policy_facts.h"

#include "linux/links.h"

namespace kpp::network {
namespace {

void add_ports(const std::vector<corev1::ContainerPort>& ports, std::vector<NamedPort>& out) {
  for (const corev1::ContainerPort& port : ports) {
    if (port.name.empty()) continue;
    out.push_back({port.name, port.protocol.empty() ? "TCP" : port.protocol, port.container_port});
  }
}

}  // namespace

std::optional<PodFacts> facts_of(const corev1::Pod& pod) {
  const bool ended = pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
  if (pod.spec.host_network || ended) return std::nullopt;
  PodFacts out;
  for (const auto& ip : pod.status.pod_ips) {
    if (out.address.empty() && sys::parse_ipv4(ip.ip)) out.address = ip.ip;
  }
  if (out.address.empty() && sys::parse_ipv4(pod.status.pod_ip)) out.address = pod.status.pod_ip;
  if (out.address.empty()) return std::nullopt;
  out.namespace_ = pod.metadata.namespace_;
  out.node = pod.spec.node_name;
  out.labels = pod.metadata.labels;
  for (const auto& container : pod.spec.containers) add_ports(container.ports, out.ports);
  // Those that run beside the others.
  for (const auto& container : pod.spec.init_containers) {
    if (container.restart_policy == "Always") add_ports(container.ports, out.ports);
  }
  return out;
}

}  // namespace kpp::network
