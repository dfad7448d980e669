#include "proxy/rules/model.h"

#include <algorithm>
#include <optional>

namespace kpp::proxy {

namespace {

constexpr const char* kProxyNameLabel = "service.kubernetes.io/service-proxy-name";
constexpr const char* kHeadlessLabel = "service.kubernetes.io/headless";
constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";
constexpr int kDefaultAffinitySeconds = 10800;

template <class Map>
const std::string& label_of(const Map& labels, const char* key) {
  static const std::string kNone;
  const auto found = labels.find(key);
  return found == labels.end() ? kNone : found->second;
}

std::string cluster_ip_of(const corev1::ServiceSpec& spec, IpFamily family) {
  for (const auto& ip : spec.cluster_ips) {
    if (family_of(ip) == family) return ip;
  }
  if (spec.cluster_ips.empty() && family_of(spec.cluster_ip) == family) return spec.cluster_ip;
  return {};
}

bool accepts_outside_traffic(const corev1::ServiceSpec& spec) {
  return spec.type == "LoadBalancer" || spec.type == "NodePort" || !spec.external_ips.empty();
}

std::vector<std::string> load_balancer_ips(const corev1::Service& service, IpFamily family) {
  std::vector<std::string> out;
  for (const auto& ingress : service.status.load_balancer.ingress) {
    if (ingress.ip_mode && *ingress.ip_mode != "VIP") continue;
    if (family_of(ingress.ip) == family) out.push_back(ingress.ip);
  }
  return out;
}

std::optional<IpFamily> slice_family(const discoveryv1::EndpointSlice& slice) {
  if (slice.address_type == "IPv4") return IpFamily::kIPv4;
  if (slice.address_type == "IPv6") return IpFamily::kIPv6;
  return std::nullopt;
}

Endpoint to_endpoint(const discoveryv1::Endpoint& from, int port, const std::string& node_name) {
  Endpoint out;
  out.ip = from.addresses.front();
  out.port = port;
  out.ready = from.conditions.ready.value_or(true);
  out.serving = from.conditions.serving.value_or(true);
  out.terminating = from.conditions.terminating.value_or(false);
  out.local = from.node_name && *from.node_name == node_name;
  if (from.hints) {
    for (const auto& zone : from.hints->for_zones) out.zone_hints.insert(zone.name);
    for (const auto& node : from.hints->for_nodes) out.node_hints.insert(node.name);
  }
  return out;
}

// Of a service that another proxy serves, or nobody.
bool hidden(const metav1::ObjectMeta& meta) {
  return meta.labels.contains(kProxyNameLabel) || meta.labels.contains(kHeadlessLabel);
}

}  // namespace

std::map<ServicePortName, ServicePort> service_ports(const corev1::Service& service,
                                                     IpFamily family) {
  std::map<ServicePortName, ServicePort> out;
  const auto& spec = service.spec;
  if (hidden(service.metadata) || spec.type == "ExternalName") return out;
  const std::string cluster_ip = cluster_ip_of(spec, family);
  if (cluster_ip.empty()) return out;

  ServicePort common;
  common.cluster_ip = cluster_ip;
  common.external_ips = addresses_of(spec.external_ips, family);
  common.load_balancer_ips = load_balancer_ips(service, family);
  common.source_ranges = cidrs_of(spec.load_balancer_source_ranges, family);
  common.internal_local = spec.internal_traffic_policy.value_or("Cluster") == "Local";
  common.external_local = spec.external_traffic_policy == "Local" && accepts_outside_traffic(spec);
  if (spec.session_affinity == "ClientIP") {
    common.affinity_seconds = kDefaultAffinitySeconds;
    if (const auto& config = spec.session_affinity_config; config && config->client_ip) {
      common.affinity_seconds =
          config->client_ip->timeout_seconds.value_or(kDefaultAffinitySeconds);
    }
  }
  if (spec.type == "LoadBalancer" && common.external_local) {
    common.health_check_node_port = spec.health_check_node_port;
  }
  for (const auto& port : spec.ports) {
    ServicePort entry = common;
    entry.port = port.port;
    entry.node_port = port.node_port;
    out[{service.metadata.namespace_, service.metadata.name, port.name,
         port.protocol.empty() ? "TCP" : port.protocol}] = std::move(entry);
  }
  return out;
}

const std::vector<Endpoint>& FamilyModel::endpoints_of(const ServicePortName& name) const {
  static const std::vector<Endpoint> kNone;
  const auto found = endpoints.find(name);
  return found == endpoints.end() ? kNone : found->second;
}

int FamilyModel::total_endpoints() const {
  std::size_t out = 0;
  for (const auto& [name, port] : services) out += endpoints_of(name).size();
  return static_cast<int>(out);
}

void Model::put_service(const corev1::Service& service) {
  for (const IpFamily family : {IpFamily::kIPv4, IpFamily::kIPv6}) {
    replace_service(family, api::key_of(service), service_ports(service, family));
  }
}

void Model::remove_service(const api::ObjectKey& key) {
  for (const IpFamily family : {IpFamily::kIPv4, IpFamily::kIPv6}) replace_service(family, key, {});
}

void Model::replace_service(IpFamily family, const api::ObjectKey& key,
                            std::map<ServicePortName, ServicePort> ports) {
  Side& to = side(family);
  auto& all = to.model.services;
  const auto first = all.lower_bound({key.namespace_, key.name, {}, {}});
  auto last = first;
  while (last != all.end() && last->first.namespace_ == key.namespace_ &&
         last->first.name == key.name)
    ++last;
  if (std::equal(first, last, ports.begin(), ports.end())) return;
  all.erase(first, last);
  all.merge(ports);
  to.changed.insert(key.to_string());
}

void Model::put_slice(std::shared_ptr<const discoveryv1::EndpointSlice> slice) {
  const auto key = api::key_of(*slice);
  const auto& service_name = label_of(slice->metadata.labels, kServiceNameLabel);
  const auto family = slice_family(*slice);
  if (service_name.empty() || !family || slice->metadata.labels.contains(kHeadlessLabel)) {
    remove_slice(key);
    return;
  }
  const api::ObjectKey service{key.namespace_, service_name};
  if (const auto old = service_of_slice_.find(key);
      old != service_of_slice_.end() && old->second != service) {
    remove_slice(key);
  }
  service_of_slice_[key] = service;
  slices_[service][key.name] = std::move(slice);
  rebuild_endpoints(*family, service);
}

void Model::remove_slice(const api::ObjectKey& key) {
  const auto found = service_of_slice_.find(key);
  if (found == service_of_slice_.end()) return;
  const api::ObjectKey service = found->second;
  service_of_slice_.erase(found);
  auto& slices = slices_[service];
  const auto family = slice_family(*slices.at(key.name));
  slices.erase(key.name);
  if (slices.empty()) slices_.erase(service);
  rebuild_endpoints(*family, service);
}

void Model::rebuild_endpoints(IpFamily family, const api::ObjectKey& service) {
  Side& to = side(family);
  auto& all = to.model.endpoints;
  const auto first = all.lower_bound({service.namespace_, service.name, {}, {}});
  auto last = first;
  while (last != all.end() && last->first.namespace_ == service.namespace_ &&
         last->first.name == service.name)
    ++last;
  all.erase(first, last);
  to.changed.insert(service.to_string());

  const auto slices = slices_.find(service);
  if (slices == slices_.end()) return;
  std::map<ServicePortName, std::map<std::string, Endpoint>> by_text;
  for (const auto& [slice_name, slice] : slices->second) {
    if (slice_family(*slice) != family) continue;
    for (const auto& port : slice->ports) {
      if (!port.port || *port.port == 0) continue;
      auto& ours = by_text[{service.namespace_, service.name, port.name.value_or(""),
                            port.protocol.value_or("TCP")}];
      for (const auto& from : slice->endpoints) {
        if (from.addresses.empty()) continue;
        auto endpoint = to_endpoint(from, *port.port, node_name_);
        auto text = endpoint.to_string();
        // The same endpoint in two slices: the one that is known to be on this node counts.
        if (const auto old = ours.find(text); old != ours.end() && !endpoint.local) continue;
        ours[std::move(text)] = std::move(endpoint);
      }
    }
  }
  for (auto& [name, endpoints] : by_text) {
    auto& list = all[name];
    for (auto& [text, endpoint] : endpoints) list.push_back(std::move(endpoint));
  }
}

std::set<std::string> Model::take_changes(IpFamily family) {
  return std::exchange(side(family).changed, {});
}

int Model::local_endpoints(const std::string& service, IpFamily family) const {
  const auto& all = side(family).model.endpoints;
  const std::size_t slash = service.find('/');
  std::set<std::string> ips;
  const ServicePortName first{service.substr(0, slash), service.substr(slash + 1), "", ""};
  for (auto it = all.lower_bound(first); it != all.end() && it->first.service() == service; ++it) {
    for (const auto& endpoint : it->second) {
      if (endpoint.local && endpoint.ready) ips.insert(endpoint.ip);
    }
  }
  return static_cast<int>(ips.size());
}

}  // namespace kpp::proxy
