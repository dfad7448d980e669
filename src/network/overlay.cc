#include "network/overlay.h"

#include <algorithm>

namespace kpp::network {
namespace {

template <class T>
bool holds(const std::vector<T>& all, const T& one) {
  return std::ranges::find(all, one) != all.end();
}

}  // namespace

OverlayPlan plan_overlay(int tunnel, const std::vector<NodeNetwork>& others,
                         const std::map<std::uint32_t, sys::Route>& direct) {
  OverlayPlan out;
  for (const NodeNetwork& node : others) {
    sys::Route route;
    route.to = node.pods;
    if (const auto way = direct.find(node.address); way != direct.end()) {
      route.link = way->second.link;
      route.via = node.address;
      out.routes.push_back(route);
      continue;
    }
    if (!node.tunnel) continue;
    route.link = tunnel;
    route.via = node.own();
    route.on_link = true;
    out.routes.push_back(route);
    out.neighbors.push_back({node.own(), node.tunnel->mac});
    out.forwarding.push_back({node.tunnel->address, node.tunnel->mac});
  }
  return out;
}

Result<sys::Link> Overlay::link_of_address(std::uint32_t address) {
  KPP_ASSIGN(const auto addresses, tables_.addresses());
  const auto found = std::ranges::find(addresses, address, &sys::LinkAddress::address);
  if (found == addresses.end()) {
    return fail(Reason::kNotFound,
                cat("the node's address ", sys::ipv4_text(address), " is on none of its links"));
  }
  KPP_ASSIGN(const auto links, tables_.links());
  const auto link = std::ranges::find(links, found->link, &sys::Link::index);
  if (link == links.end()) return fail(Reason::kNotFound, "the link went away");
  return *link;
}

Result<Overlay::Here> Overlay::ensure_tunnel(const NodeNetwork& self) {
  KPP_ASSIGN(const sys::Link outer, link_of_address(self.address));
  const sys::Vxlan wanted{options_.vni, options_.port, self.address, false};
  const int room = outer.mtu - kTunnelHeaders;
  const int mtu = options_.mtu != 0 ? std::min(options_.mtu, room) : room;
  auto link = tables_.link(kTunnelLink);
  if (!link && !link.error().is(Reason::kNotFound))
    return fail(std::move(link).error().with_context("looking for the tunnel"));
  if (link && link->vxlan != wanted) {
    KPP_RETURN_IF_ERROR(tables_.remove_link(kTunnelLink));
    link = fail(Reason::kNotFound, "made anew");
  }
  if (!link) {
    KPP_RETURN_IF_ERROR(tables_.add_vxlan(kTunnelLink, wanted, mtu));
    link = tables_.link(kTunnelLink);
    if (!link) return fail(std::move(link).error());
  }
  tunnel_ = link->index;
  if (!link->up || link->mtu != mtu) {
    KPP_RETURN_IF_ERROR(tables_.set_link(link->index, true, mtu));
  }
  const sys::LinkAddress own{link->index, self.own(), 32};
  KPP_ASSIGN(const auto addresses, tables_.addresses());
  for (const sys::LinkAddress& address : addresses) {
    if (address.link == link->index && address != own) {
      KPP_RETURN_IF_ERROR(tables_.remove_address(address));
    }
  }
  if (!holds(addresses, own)) {
    KPP_RETURN_IF_ERROR(tables_.add_address(own));
  }
  return Here{mtu, {self.address, link->mac}};
}

Result<std::map<std::uint32_t, sys::Route>> Overlay::direct_ways(
    const std::vector<NodeNetwork>& others) {
  std::map<std::uint32_t, sys::Route> out;
  if (options_.mode != Mode::kDirect) return out;
  for (const NodeNetwork& node : others) {
    const auto way = tables_.route_to(node.address);
    // Through a gateway it would not find its way: the gateway knows nothing of pods.
    if (way && way->via == 0 && way->link != tunnel_) out[node.address] = *way;
  }
  return out;
}

Result<int> Overlay::connect(const std::vector<NodeNetwork>& others) {
  KPP_ASSIGN(const auto direct, direct_ways(others));
  const OverlayPlan plan = plan_overlay(tunnel_, others, direct);
  KPP_ASSIGN(const auto neighbors, tables_.neighbors(tunnel_));
  KPP_ASSIGN(const auto forwarding, tables_.forwarding(tunnel_));
  KPP_ASSIGN(const auto routes, tables_.routes(kRouteProtocol));
  int changes = 0;
  // What is new comes first, the route last of all; then what is too much goes.
  for (const auto& one : plan.neighbors) {
    if (holds(neighbors, one)) continue;
    KPP_RETURN_IF_ERROR(tables_.replace_neighbor(tunnel_, one));
    ++changes;
  }
  for (const auto& one : plan.forwarding) {
    if (holds(forwarding, one)) continue;
    KPP_RETURN_IF_ERROR(tables_.replace_forwarding(tunnel_, one));
    ++changes;
  }
  for (const auto& one : plan.routes) {
    if (holds(routes, one)) continue;
    KPP_RETURN_IF_ERROR(tables_.replace_route(one, kRouteProtocol));
    ++changes;
  }
  for (const auto& one : routes) {
    // A route that was replaced went with its successor's coming.
    if (std::ranges::find(plan.routes, one.to, &sys::Route::to) != plan.routes.end()) continue;
    KPP_RETURN_IF_ERROR(tables_.remove_route(one, kRouteProtocol));
    ++changes;
  }
  for (const auto& one : neighbors) {
    if (std::ranges::find(plan.neighbors, one.address, &sys::Neighbor::address) !=
        plan.neighbors.end())
      continue;
    KPP_RETURN_IF_ERROR(tables_.remove_neighbor(tunnel_, one));
    ++changes;
  }
  for (const auto& one : forwarding) {
    if (std::ranges::find(plan.forwarding, one.mac, &sys::Neighbor::mac) != plan.forwarding.end())
      continue;
    KPP_RETURN_IF_ERROR(tables_.remove_forwarding(tunnel_, one));
    ++changes;
  }
  return changes;
}

}  // namespace kpp::network
