// The rules that every node has: traffic of pods to the outside leaves with the node's address.
#pragma once

#include <vector>

#include "network/ruleset.h"
#include "network/types.h"

namespace kpp::network {

// `all` are the nodes of the cluster, self among them.
Ruleset base_rules(const NodeNetwork& self, const std::vector<NodeNetwork>& all);

}  // namespace kpp::network
