// How packets for the pods of other nodes leave this one: tunnels and routes.
#pragma once

#include <map>
#include <vector>

#include "base/status.h"
#include "linux/route_tables.h"
#include "network/options.h"
#include "network/types.h"

namespace kpp::network {

inline constexpr const char* kTunnelLink = "kpp-vxlan";
// Marks routes as ours in the kernel's table (`ip route show proto 75`).
inline constexpr std::uint8_t kRouteProtocol = 75;
// Outer Ethernet, IPv4, UDP and VXLAN headers.
inline constexpr int kTunnelHeaders = 50;

struct OverlayPlan {
  std::vector<sys::Route> routes;         // to each node's pods
  std::vector<sys::Neighbor> neighbors;   // tunnel ends by their inner addresses
  std::vector<sys::Neighbor> forwarding;  // and by the machines that they are at
};

// What must stand in the kernel for these other nodes. `direct` has the way to those nodes (by
// their address) that are reached without the tunnel. A node in the tunnel whose agent has not yet
// spoken is left out.
OverlayPlan plan_overlay(int tunnel, const std::vector<NodeNetwork>& others,
                         const std::map<std::uint32_t, sys::Route>& direct);

// Keeps the tunnel, its routes and its tables as they should be.
//
// Guarantees: what stands there already is left alone: packets of running connections are not
//   lost when an agent starts anew. The link is made anew only when its settings have changed.
//   Nothing is taken away at the end.
// Ownership: tables must outlive it. Runs on: one thread; a few system calls, no process.
class Overlay {
 public:
  Overlay(sys::RouteTables& tables, const NetworkOptions& options)
      : tables_(tables), options_(options) {}

  // What pods may send at most, and where this node's tunnel ends.
  struct Here {
    int mtu = 0;
    TunnelEnd tunnel;
  };
  // Makes or mends this node's end. kNotFound while the node's address is on none of its links.
  Result<Here> ensure_tunnel(const NodeNetwork& self);
  // Makes the kernel's tables those of the plan; answers how many entries were changed.
  Result<int> connect(const std::vector<NodeNetwork>& others);

 private:
  Result<sys::Link> link_of_address(std::uint32_t address);
  Result<std::map<std::uint32_t, sys::Route>> direct_ways(const std::vector<NodeNetwork>& others);

  sys::RouteTables& tables_;
  const NetworkOptions& options_;
  int tunnel_ = 0;  // index of the link
};

}  // namespace kpp::network
