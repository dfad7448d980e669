// Links, IPv4 addresses, routes and neighbours of one network namespace, over netlink.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "linux/links.h"
#include "linux/netlink_socket.h"

namespace kpp::sys {

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};
  std::string to_string() const;  // "c2:00:0a:f4:01:02"
  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;
};
std::optional<MacAddress> parse_mac_address(std::string_view text);

// IPv4 addresses are in host byte order.
struct Vxlan {
  std::uint32_t id = 0;
  std::uint16_t port = 0;
  std::uint32_t local = 0;  // the address that packets leave from
  bool learning = false;
  friend bool operator==(const Vxlan&, const Vxlan&) = default;
};

struct Link {
  int index = 0;
  std::string name;
  std::string kind;  // "bridge", "veth", "vxlan"; empty for hardware
  MacAddress mac;
  int mtu = 0;
  bool up = false;
  std::optional<Vxlan> vxlan;
};

struct LinkAddress {
  int link = 0;
  std::uint32_t address = 0;
  int prefix = 0;
  friend auto operator<=>(const LinkAddress&, const LinkAddress&) = default;
};

struct Route {
  Ipv4Network to;
  int link = 0;
  std::uint32_t via = 0;     // 0: on the link
  std::uint32_t source = 0;  // preferred source address; 0: the kernel's choice
  bool on_link = false;      // `via` is taken to be on the link whatever the addresses say
  friend bool operator==(const Route& a, const Route& b) = default;
};

// Who has an address on a link; or, in a VXLAN's forwarding table, at which machine a MAC lives.
struct Neighbor {
  std::uint32_t address = 0;
  MacAddress mac;
  friend auto operator<=>(const Neighbor&, const Neighbor&) = default;
};

// Guarantees: add and replace succeed when it stands there already, remove when it does not.
// Runs on: one thread at a time; every call is a few system calls.
class RouteTables {
 public:
  // Of the caller's network namespace, for good.
  static Result<RouteTables> open();

  // kNotFound if there is none of this name.
  Result<Link> link(const std::string& name);
  Result<std::vector<Link>> links();
  // Makes it, down. kAlreadyExists if there is a link of this name, or a VXLAN like it.
  Status add_vxlan(const std::string& name, const Vxlan& vxlan, int mtu);
  Status set_link(int index, bool up, int mtu);
  Status remove_link(const std::string& name);

  Result<std::vector<LinkAddress>> addresses();
  Status add_address(const LinkAddress& address);
  Status remove_address(const LinkAddress& address);

  // Of the main table, those that this protocol number marks as somebody's.
  Result<std::vector<Route>> routes(std::uint8_t protocol);
  Status replace_route(const Route& route, std::uint8_t protocol);
  Status remove_route(const Route& route, std::uint8_t protocol);
  // How a packet to this address would leave.
  Result<Route> route_to(std::uint32_t address);

  // Permanent entries alone.
  Result<std::vector<Neighbor>> neighbors(int link);
  Status replace_neighbor(int link, const Neighbor& neighbor);
  Status remove_neighbor(int link, const Neighbor& neighbor);
  // The same for the forwarding table of a VXLAN.
  Result<std::vector<Neighbor>> forwarding(int link);
  Status replace_forwarding(int link, const Neighbor& entry);
  Status remove_forwarding(int link, const Neighbor& entry);

 private:
  explicit RouteTables(Netlink netlink) : netlink_(std::move(netlink)) {}
  Result<std::vector<Neighbor>> entries(int link, std::uint8_t family);
  Status change_entry(std::uint16_t type, int link, std::uint8_t family, const Neighbor& entry);

  Netlink netlink_;
};

}  // namespace kpp::sys
