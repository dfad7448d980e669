// Names of the chains of a service port. They are hashes of names alone, so every node and every
// restart agrees.
#pragma once

#include <string>
#include <string_view>

#include "proxy/rules/types.h"

namespace kpp::proxy {

// The chains of one service port: KUBE-SVC- (any endpoint), KUBE-SVL- (endpoints of this node),
// KUBE-EXT- (traffic from outside), KUBE-FW- (source ranges of a load balancer).
struct ChainNames {
  std::string cluster, local, external, firewall;

  explicit ChainNames(const ServicePortName& name);
};

// KUBE-SEP-: one endpoint of a service port.
std::string endpoint_chain(const ServicePortName& name, std::string_view endpoint);
// Whether a chain is one of the above, made by this program or by an earlier run of it.
bool is_service_chain(std::string_view chain);

}  // namespace kpp::proxy
