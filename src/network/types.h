// What nodes tell each other of their pod networks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "api/corev1.h"
#include "linux/links.h"
#include "linux/route_tables.h"

namespace kpp::network {

// The end of a tunnel at a node: where packets are sent, and the MAC that they carry inside.
struct TunnelEnd {
  std::uint32_t address = 0;
  sys::MacAddress mac;
  friend bool operator==(const TunnelEnd&, const TunnelEnd&) = default;
};

struct NodeNetwork {
  std::string name;
  sys::Ipv4Network pods;            // node.spec.podCIDR
  std::uint32_t address = 0;        // its InternalIP
  std::optional<TunnelEnd> tunnel;  // once its agent has said so
  friend bool operator==(const NodeNetwork&, const NodeNetwork&) = default;

  // What the node itself sends from into the tunnel: the first address of its range, which no pod
  // gets.
  std::uint32_t own() const { return pods.address; }
};

inline constexpr const char* kTunnelAddressAnnotation = "network.kpp.io/vtep-address";
inline constexpr const char* kTunnelMacAnnotation = "network.kpp.io/vtep-mac";

// Nothing while the node has no IPv4 range of pods or no IPv4 InternalIP. Annotations that cannot
// be read count as none.
std::optional<NodeNetwork> network_of(const corev1::Node& node);

std::map<std::string, std::string> annotations_of(const TunnelEnd& end);

}  // namespace kpp::network
