#include "controllers/endpoints/subsets.h"

#include <algorithm>
#include <map>

#include "base/cat.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

std::vector<corev1::EndpointPort> ports_on(const corev1::Pod& pod, const corev1::Service& service) {
  std::vector<corev1::EndpointPort> out;
  for (const auto& port : service.spec.ports) {
    const auto number = port_on(pod, port);
    if (!number) continue;
    auto& p = out.emplace_back();
    p.name = port.name;
    p.port = *number;
    p.protocol = port.protocol.empty() ? "TCP" : port.protocol;
    p.app_protocol = port.app_protocol;
  }
  return out;
}

std::string port_key(const std::vector<corev1::EndpointPort>& ports) {
  std::string out;
  for (const auto& p : ports) out += cat(p.name, "=", p.port, "/", p.protocol, ";");
  return out;
}

corev1::EndpointAddress address_of_pod(const corev1::Pod& pod, const corev1::Service& service,
                                       std::string ip) {
  corev1::EndpointAddress out;
  out.ip = std::move(ip);
  out.hostname = hostname_under(pod, service);
  if (!pod.spec.node_name.empty()) out.node_name = pod.spec.node_name;
  out.target_ref = target_reference(pod);
  return out;
}

void sort_by_ip(std::vector<corev1::EndpointAddress>& addresses) {
  std::sort(addresses.begin(), addresses.end(),
            [](const auto& a, const auto& b) { return a.ip < b.ip; });
}

void limit(std::vector<corev1::EndpointSubset>& subsets) {
  std::size_t room = kMaxEndpointsAddresses;
  for (auto& subset : subsets) {
    if (subset.addresses.size() > room) subset.addresses.resize(room);
    room -= subset.addresses.size();
  }
  for (auto& subset : subsets) {
    if (subset.not_ready_addresses.size() > room) subset.not_ready_addresses.resize(room);
    room -= subset.not_ready_addresses.size();
  }
}

}  // namespace

std::vector<corev1::EndpointSubset> subsets_for(
    const corev1::Service& service, const std::vector<std::shared_ptr<const corev1::Pod>>& pods) {
  const std::string family = families_of(service).front();
  const bool all_ready = service.spec.publish_not_ready_addresses;
  std::map<std::string, corev1::EndpointSubset> by_ports;
  for (const auto& pod : pods) {
    if (!belongs_in_endpoints(*pod, all_ready)) continue;
    std::string ip = address_of(*pod, family);
    auto ports = ports_on(*pod, service);
    if (ip.empty() || (ports.empty() && !service.spec.ports.empty())) continue;
    auto& subset = by_ports[port_key(ports)];
    subset.ports = std::move(ports);
    auto& list = all_ready || is_ready(*pod) ? subset.addresses : subset.not_ready_addresses;
    list.push_back(address_of_pod(*pod, service, std::move(ip)));
  }
  std::vector<corev1::EndpointSubset> out;
  for (auto& [key, subset] : by_ports) {
    sort_by_ip(subset.addresses);
    sort_by_ip(subset.not_ready_addresses);
    out.push_back(std::move(subset));
  }
  limit(out);
  std::erase_if(out,
                [](const auto& s) { return s.addresses.empty() && s.not_ready_addresses.empty(); });
  return out;
}

}  // namespace kpp::controllers
