#include "proxy/rules/topology.h"

#include <algorithm>
#include <functional>
#include <iterator>

namespace kpp::proxy {

namespace {

enum class Topology : std::uint8_t { kNone, kSameNode, kSameZone };

Topology topology_of(const std::vector<Endpoint>& endpoints, const std::string& node,
                     const std::string& zone) {
  bool all_name_nodes = true;
  bool all_name_zones = true;
  bool one_for_node = false;
  bool one_for_zone = false;
  for (const auto& endpoint : endpoints) {
    if (!endpoint.ready) continue;
    all_name_nodes = all_name_nodes && !endpoint.node_hints.empty();
    all_name_zones = all_name_zones && !endpoint.zone_hints.empty();
    one_for_node = one_for_node || endpoint.node_hints.contains(node);
    one_for_zone = one_for_zone || endpoint.zone_hints.contains(zone);
  }
  if (all_name_nodes && one_for_node) return Topology::kSameNode;
  if (all_name_zones && one_for_zone && !zone.empty()) return Topology::kSameZone;
  return Topology::kNone;
}

bool still_serves(const Endpoint& endpoint) { return endpoint.serving && endpoint.terminating; }

template <class Predicate>
std::vector<const Endpoint*> select(const std::vector<Endpoint>& endpoints, Predicate wanted) {
  std::vector<const Endpoint*> out;
  for (const auto& endpoint : endpoints) {
    if (wanted(endpoint)) out.push_back(&endpoint);
  }
  return out;
}

}  // namespace

EndpointChoice choose_endpoints(const std::vector<Endpoint>& endpoints, const ServicePort& port,
                                const std::string& node_name,
                                const std::map<std::string, std::string>& node_labels) {
  EndpointChoice out;
  if (endpoints.empty()) return out;
  if (port.uses_cluster_endpoints()) {
    const auto label = node_labels.find("topology.kubernetes.io/zone");
    const std::string zone = label == node_labels.end() ? std::string() : label->second;
    const Topology topology = topology_of(endpoints, node_name, zone);
    out.cluster = select(endpoints, [&](const Endpoint& e) {
      if (!e.ready) return false;
      if (topology == Topology::kSameNode) return e.node_hints.contains(node_name);
      return topology == Topology::kNone || e.zone_hints.contains(zone);
    });
    if (out.cluster.empty()) out.cluster = select(endpoints, still_serves);
    out.any = !out.cluster.empty();
  }
  if (port.uses_local_endpoints()) {
    out.local = select(endpoints, [](const Endpoint& e) { return e.local && e.ready; });
    if (out.local.empty()) {
      out.local = select(endpoints, [](const Endpoint& e) { return e.local && still_serves(e); });
    }
    out.any = out.any || std::any_of(endpoints.begin(), endpoints.end(),
                                     [](const Endpoint& e) { return e.ready || still_serves(e); });
  }
  // Both lists keep the order of the endpoints, which lie in one array.
  std::set_union(out.cluster.begin(), out.cluster.end(), out.local.begin(), out.local.end(),
                 std::back_inserter(out.reachable), std::less<>());
  return out;
}

}  // namespace kpp::proxy
