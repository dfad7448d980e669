#include "linux/route_tables.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

namespace kpp::sys {
namespace {

constexpr std::uint16_t kMake = NLM_F_CREATE | NLM_F_EXCL;
constexpr std::uint16_t kReplace = NLM_F_CREATE | NLM_F_REPLACE;

MacAddress mac_of(const NetlinkAttributes& attributes, std::uint16_t type) {
  MacAddress out;
  const auto bytes = attributes.find(type).value_or("");
  if (bytes.size() == out.bytes.size())
    std::memcpy(out.bytes.data(), bytes.data(), out.bytes.size());
  return out;
}

std::string_view bytes_of(const MacAddress& mac) {
  return {reinterpret_cast<const char*>(mac.bytes.data()), mac.bytes.size()};
}

Link link_of(const NetlinkAnswer& answer) {
  const auto fixed = answer.fixed<ifinfomsg>();
  const auto attributes = answer.attributes<ifinfomsg>();
  Link out;
  out.index = fixed.ifi_index;
  out.up = (fixed.ifi_flags & IFF_UP) != 0;
  out.name = attributes.text(IFLA_IFNAME);
  out.mac = mac_of(attributes, IFLA_ADDRESS);
  out.mtu = static_cast<int>(attributes.number<std::uint32_t>(IFLA_MTU));
  const NetlinkAttributes info = attributes.nested(IFLA_LINKINFO);
  out.kind = info.text(IFLA_INFO_KIND);
  if (out.kind == "vxlan") {
    const NetlinkAttributes data = info.nested(IFLA_INFO_DATA);
    out.vxlan =
        Vxlan{data.number<std::uint32_t>(IFLA_VXLAN_ID),
              ntohs(data.number<std::uint16_t>(IFLA_VXLAN_PORT)), data.ipv4(IFLA_VXLAN_LOCAL),
              data.number<std::uint8_t>(IFLA_VXLAN_LEARNING) != 0};
  }
  return out;
}

Route route_of(const NetlinkAnswer& answer) {
  const auto fixed = answer.fixed<rtmsg>();
  const auto attributes = answer.attributes<rtmsg>();
  Route out;
  out.to = {attributes.ipv4(RTA_DST), fixed.rtm_dst_len};
  out.link = static_cast<int>(attributes.number<std::uint32_t>(RTA_OIF));
  out.via = attributes.ipv4(RTA_GATEWAY);
  out.source = attributes.ipv4(RTA_PREFSRC);
  out.on_link = (fixed.rtm_flags & RTNH_F_ONLINK) != 0;
  return out;
}

NetlinkRequest route_request(std::uint16_t type, std::uint16_t flags, const Route& route,
                             std::uint8_t protocol) {
  rtmsg fixed{};
  fixed.rtm_family = AF_INET;
  fixed.rtm_dst_len = static_cast<std::uint8_t>(route.to.prefix);
  fixed.rtm_table = RT_TABLE_MAIN;
  fixed.rtm_protocol = protocol;
  fixed.rtm_scope = route.via != 0 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  fixed.rtm_type = RTN_UNICAST;
  fixed.rtm_flags = route.on_link ? RTNH_F_ONLINK : 0;
  NetlinkRequest out(type, flags, fixed);
  out.add_ipv4(RTA_DST, route.to.address);
  out.add_number(RTA_OIF, static_cast<std::uint32_t>(route.link));
  if (route.via != 0) out.add_ipv4(RTA_GATEWAY, route.via);
  if (route.source != 0) out.add_ipv4(RTA_PREFSRC, route.source);
  return out;
}

NetlinkRequest address_request(std::uint16_t type, std::uint16_t flags,
                               const LinkAddress& address) {
  ifaddrmsg fixed{};
  fixed.ifa_family = AF_INET;
  fixed.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix);
  fixed.ifa_index = static_cast<unsigned>(address.link);
  NetlinkRequest out(type, flags, fixed);
  out.add_ipv4(IFA_LOCAL, address.address);
  out.add_ipv4(IFA_ADDRESS, address.address);
  return out;
}

// What is gone already need not be removed.
Status unless_gone(Status status) { return status.is(Reason::kNotFound) ? Status() : status; }

}  // namespace

std::string MacAddress::to_string() const {
  std::string out;
  for (const std::uint8_t byte : bytes) {
    if (!out.empty()) out += ':';
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

std::optional<MacAddress> parse_mac_address(std::string_view text) {
  MacAddress out;
  if (text.size() != out.bytes.size() * 3 - 1) return std::nullopt;
  for (std::size_t i = 0; i < out.bytes.size(); ++i) {
    const std::string_view pair = text.substr(i * 3, 2);
    const auto read = std::from_chars(pair.data(), pair.data() + 2, out.bytes[i], 16);
    if (read.ec != std::errc() || read.ptr != pair.data() + 2) return std::nullopt;
    if (i > 0 && text[i * 3 - 1] != ':') return std::nullopt;
  }
  return out;
}

Result<RouteTables> RouteTables::open() {
  KPP_ASSIGN(Netlink netlink, Netlink::open(NETLINK_ROUTE));
  return RouteTables(std::move(netlink));
}

Result<Link> RouteTables::link(const std::string& name) {
  NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
  request.add_text(IFLA_IFNAME, name);
  auto answers = netlink_.ask(std::move(request));
  if (!answers) return fail(std::move(answers).error().with_context(cat("link ", name)));
  for (const NetlinkAnswer& answer : *answers) {
    if (answer.type == RTM_NEWLINK) return link_of(answer);
  }
  return fail(Reason::kNotFound, cat("link ", name, ": not there"));
}

Result<std::vector<Link>> RouteTables::links() {
  KPP_ASSIGN(const auto answers,
             netlink_.ask(NetlinkRequest(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{})));
  std::vector<Link> out;
  for (const NetlinkAnswer& answer : answers) {
    if (answer.type == RTM_NEWLINK) out.push_back(link_of(answer));
  }
  return out;
}

Status RouteTables::add_vxlan(const std::string& name, const Vxlan& vxlan, int mtu) {
  NetlinkRequest request(RTM_NEWLINK, kMake, ifinfomsg{});
  request.add_text(IFLA_IFNAME, name);
  request.add_number(IFLA_MTU, static_cast<std::uint32_t>(mtu));
  const std::size_t info = request.open(IFLA_LINKINFO);
  request.add_text(IFLA_INFO_KIND, "vxlan");
  const std::size_t data = request.open(IFLA_INFO_DATA);
  request.add_number(IFLA_VXLAN_ID, vxlan.id);
  request.add_number(IFLA_VXLAN_PORT, htons(vxlan.port));
  request.add_ipv4(IFLA_VXLAN_LOCAL, vxlan.local);
  request.add_number(IFLA_VXLAN_LEARNING, static_cast<std::uint8_t>(vxlan.learning));
  request.close(data);
  request.close(info);
  Status made = netlink_.change(std::move(request));
  return made.ok() ? made : std::move(made).with_context(cat("making VXLAN ", name));
}

Status RouteTables::set_link(int index, bool up, int mtu) {
  ifinfomsg fixed{};
  fixed.ifi_index = index;
  fixed.ifi_flags = up ? IFF_UP : 0;
  fixed.ifi_change = IFF_UP;
  NetlinkRequest request(RTM_NEWLINK, 0, fixed);
  request.add_number(IFLA_MTU, static_cast<std::uint32_t>(mtu));
  return netlink_.change(std::move(request));
}

Status RouteTables::remove_link(const std::string& name) {
  NetlinkRequest request(RTM_DELLINK, 0, ifinfomsg{});
  request.add_text(IFLA_IFNAME, name);
  return unless_gone(netlink_.change(std::move(request)));
}

Result<std::vector<LinkAddress>> RouteTables::addresses() {
  ifaddrmsg fixed{};
  fixed.ifa_family = AF_INET;
  KPP_ASSIGN(const auto answers, netlink_.ask(NetlinkRequest(RTM_GETADDR, NLM_F_DUMP, fixed)));
  std::vector<LinkAddress> out;
  for (const NetlinkAnswer& answer : answers) {
    if (answer.type != RTM_NEWADDR) continue;
    const auto head = answer.fixed<ifaddrmsg>();
    out.push_back({static_cast<int>(head.ifa_index), answer.attributes<ifaddrmsg>().ipv4(IFA_LOCAL),
                   head.ifa_prefixlen});
  }
  return out;
}

Status RouteTables::add_address(const LinkAddress& address) {
  return netlink_.change(address_request(RTM_NEWADDR, kReplace, address));
}

Status RouteTables::remove_address(const LinkAddress& address) {
  return unless_gone(netlink_.change(address_request(RTM_DELADDR, 0, address)));
}

Result<std::vector<Route>> RouteTables::routes(std::uint8_t protocol) {
  rtmsg fixed{};
  fixed.rtm_family = AF_INET;
  KPP_ASSIGN(const auto answers, netlink_.ask(NetlinkRequest(RTM_GETROUTE, NLM_F_DUMP, fixed)));
  std::vector<Route> out;
  for (const NetlinkAnswer& answer : answers) {
    const auto head = answer.fixed<rtmsg>();
    if (answer.type == RTM_NEWROUTE && head.rtm_table == RT_TABLE_MAIN &&
        head.rtm_protocol == protocol) {
      out.push_back(route_of(answer));
    }
  }
  return out;
}

Status RouteTables::replace_route(const Route& route, std::uint8_t protocol) {
  return netlink_.change(route_request(RTM_NEWROUTE, kReplace, route, protocol));
}

Status RouteTables::remove_route(const Route& route, std::uint8_t protocol) {
  return unless_gone(netlink_.change(route_request(RTM_DELROUTE, 0, route, protocol)));
}

Result<Route> RouteTables::route_to(std::uint32_t address) {
  rtmsg fixed{};
  fixed.rtm_family = AF_INET;
  fixed.rtm_dst_len = 32;
  NetlinkRequest request(RTM_GETROUTE, 0, fixed);
  request.add_ipv4(RTA_DST, address);
  KPP_ASSIGN(const auto answers, netlink_.ask(std::move(request)));
  for (const NetlinkAnswer& answer : answers) {
    if (answer.type == RTM_NEWROUTE) return route_of(answer);
  }
  return fail(Reason::kNotFound, cat("no route to ", ipv4_text(address)));
}

Result<std::vector<Neighbor>> RouteTables::entries(int link, std::uint8_t family) {
  ndmsg fixed{};
  fixed.ndm_family = family;
  // A strict kernel takes the link of a forwarding table as part of the head, that of neighbours as
  // an attribute; both are looked at below, whatever the kernel makes of it.
  NetlinkRequest request(RTM_GETNEIGH, NLM_F_DUMP, fixed);
  KPP_ASSIGN(const auto answers, netlink_.ask(std::move(request)));
  std::vector<Neighbor> out;
  for (const NetlinkAnswer& answer : answers) {
    const auto head = answer.fixed<ndmsg>();
    const auto attributes = answer.attributes<ndmsg>();
    const bool fitting = answer.type == RTM_NEWNEIGH && head.ndm_ifindex == link &&
                         head.ndm_family == family && (head.ndm_state & NUD_PERMANENT) != 0;
    if (fitting && attributes.has(NDA_DST))
      out.push_back({attributes.ipv4(NDA_DST), mac_of(attributes, NDA_LLADDR)});
  }
  return out;
}

Status RouteTables::change_entry(std::uint16_t type, int link, std::uint8_t family,
                                 const Neighbor& entry) {
  ndmsg fixed{};
  fixed.ndm_family = family;
  fixed.ndm_ifindex = link;
  fixed.ndm_state = NUD_PERMANENT;
  fixed.ndm_flags = family == AF_BRIDGE ? NTF_SELF : 0;
  NetlinkRequest request(type, type == RTM_NEWNEIGH ? kReplace : std::uint16_t{0}, fixed);
  request.add_ipv4(NDA_DST, entry.address);
  request.add(NDA_LLADDR, bytes_of(entry.mac));
  return netlink_.change(std::move(request));
}

Result<std::vector<Neighbor>> RouteTables::neighbors(int link) { return entries(link, AF_INET); }
Status RouteTables::replace_neighbor(int link, const Neighbor& neighbor) {
  return change_entry(RTM_NEWNEIGH, link, AF_INET, neighbor);
}
Status RouteTables::remove_neighbor(int link, const Neighbor& neighbor) {
  return unless_gone(change_entry(RTM_DELNEIGH, link, AF_INET, neighbor));
}
Result<std::vector<Neighbor>> RouteTables::forwarding(int link) { return entries(link, AF_BRIDGE); }
Status RouteTables::replace_forwarding(int link, const Neighbor& entry) {
  return change_entry(RTM_NEWNEIGH, link, AF_BRIDGE, entry);
}
Status RouteTables::remove_forwarding(int link, const Neighbor& entry) {
  return unless_gone(change_entry(RTM_DELNEIGH, link, AF_BRIDGE, entry));
}

}  // namespace kpp::sys
