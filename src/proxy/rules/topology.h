// Which endpoints of a service port this node sends traffic to.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "proxy/rules/types.h"

namespace kpp::proxy {

// Pointers into the endpoints that were given.
struct EndpointChoice {
  std::vector<const Endpoint*> cluster;    // for traffic policy Cluster
  std::vector<const Endpoint*> local;      // for traffic policy Local
  std::vector<const Endpoint*> reachable;  // all of the above, each once
  bool any = false;                        // some endpoint exists somewhere that takes traffic
};

// Ready endpoints are taken before those that terminate but still serve; hints for nodes and zones
// are followed when every ready endpoint has them and some fit this node.
EndpointChoice choose_endpoints(const std::vector<Endpoint>& endpoints, const ServicePort& port,
                                const std::string& node_name,
                                const std::map<std::string, std::string>& node_labels);

}  // namespace kpp::proxy
