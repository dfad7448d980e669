#include "network/base_rules.h"

#include "base/cat.h"

namespace kpp::network {
namespace {

constexpr const char* kPodNetworks = "pod-networks";

}  // namespace

Ruleset base_rules(const NodeNetwork& self, const std::vector<NodeNetwork>& all) {
  Ruleset out;
  RuleSet& networks = out.sets[kPodNetworks];
  networks.type = "ipv4_addr";
  networks.intervals = true;
  networks.elements[self.pods.to_string()];
  for (const NodeNetwork& node : all) {
    // Ranges that overlap would be refused as a whole; the API does not give them out.
    bool free = true;
    for (const auto& [text, verdict] : networks.elements) {
      const auto other = sys::parse_ipv4_network(text);
      free = free && !(other && other->overlaps(node.pods));
    }
    if (free) networks.elements[node.pods.to_string()];
  }
  RuleChain& postrouting = out.chains["postrouting"];
  // Behind kube-proxy, whose marks say more.
  postrouting.hook = "type nat hook postrouting priority 101; policy accept;";
  postrouting.rules = {cat("ip saddr ", self.pods.to_string(), " ip daddr != @", kPodNetworks,
                           " ip daddr != 224.0.0.0/4 masquerade fully-random")};
  return out;
}

}  // namespace kpp::network
