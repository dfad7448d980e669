#include "network/types.h"

#include <algorithm>

namespace kpp::network {
namespace {

std::string text_at(const std::map<std::string, std::string>& map, const char* key) {
  const auto it = map.find(key);
  return it == map.end() ? std::string() : it->second;
}

}  // namespace

std::optional<NodeNetwork> network_of(const corev1::Node& node) {
  NodeNetwork out;
  out.name = node.metadata.name;
  auto ranges = node.spec.pod_cidrs;
  if (ranges.empty()) ranges.push_back(node.spec.pod_cidr);
  bool have_range = false;
  for (const std::string& range : ranges) {
    const auto parsed = sys::parse_ipv4_network(range);
    // A range without room for a gateway and a pod is none.
    if (have_range || !parsed || parsed->prefix == 0 || parsed->prefix > 30) continue;
    out.pods = *parsed;
    have_range = true;
  }
  for (const auto& address : node.status.addresses) {
    if (address.type != "InternalIP" || out.address != 0) continue;
    out.address = sys::parse_ipv4(address.address).value_or(0);
  }
  if (!have_range || out.address == 0) return std::nullopt;
  const auto end = sys::parse_ipv4(text_at(node.metadata.annotations, kTunnelAddressAnnotation));
  const auto mac = sys::parse_mac_address(text_at(node.metadata.annotations, kTunnelMacAnnotation));
  if (end && mac) out.tunnel = TunnelEnd{*end, *mac};
  return out;
}

std::map<std::string, std::string> annotations_of(const TunnelEnd& end) {
  return {{kTunnelAddressAnnotation, sys::ipv4_text(end.address)},
          {kTunnelMacAnnotation, end.mac.to_string()}};
}

}  // namespace kpp::network
