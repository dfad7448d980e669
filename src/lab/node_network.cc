#include "lab/node_network.h"

#include <cstdint>

namespace kpp::lab {
namespace {

constexpr sys::Ipv4Network kLabNetworks{(10U << 24) | (199U << 16), 16};

// FNV-1a; interface names have 15 characters at most.
std::string short_hash(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  std::string out;
  for (int i = 0; i < 8; ++i, hash >>= 4) out += "0123456789abcdef"[hash & 15];
  return out;
}

// ip(8) in the network namespace of a process, or the caller's.
Status run_ip_of(pid_t process, const std::vector<std::string>& lines) {
  if (process == 0) return sys::run_ip(lines);
  KPP_ASSIGN(const sys::NamespaceSet network,
             sys::NamespaceSet::network_at(cat("/proc/", process, "/ns/net")));
  sys::ProcessPlace place;
  place.namespaces = &network;
  return sys::run_ip(lines, place);
}

}  // namespace

std::string link_name(std::string_view lab, std::string_view node) {
  return cat("kpp-", short_hash(cat(lab, "/", node)));
}

std::string bridge_name(std::string_view lab) { return cat("kppb-", short_hash(lab)); }

Result<sys::Ipv4Network> pick_network(const std::vector<sys::Ipv4Network>& used, int prefix) {
  for (std::uint32_t n = 0; n < 256; ++n) {
    const sys::Ipv4Network candidate{kLabNetworks.address + (n << 8), prefix};
    bool free = true;
    for (const sys::Ipv4Network& other : used) free = free && !candidate.overlaps(other);
    if (free) return candidate;
  }
  return fail(Reason::kServiceUnavailable,
              cat("every network of ", kLabNetworks.to_string(), " is in use on this machine"));
}

Status connect_node(const NodeLink& link, pid_t init) {
  std::vector<std::string> outside = {
      cat("link add ", link.link, " type veth peer name eth0 netns ", init)};
  if (link.bridge.empty()) {
    outside.push_back(cat("addr add ", link.gateway, "/", link.prefix, " dev ", link.link));
  } else {
    outside.push_back(cat("link set ", link.link, " master ", link.bridge));
  }
  outside.push_back(cat("link set ", link.link, " up"));
  KPP_RETURN_IF_ERROR(run_ip_of(link.network_of, outside));
  return run_ip_of(init,
                   {"link set lo up", cat("addr add ", link.address, "/", link.prefix, " dev eth0"),
                    "link set eth0 up", cat("route add default via ", link.gateway)});
}

Status make_bridge(const NodeLink& link) {
  const std::string show = cat("link show dev ", link.bridge);
  if (run_ip_of(link.network_of, {show}).ok()) return {};
  return run_ip_of(link.network_of,
                   {"link set lo up", cat("link add ", link.bridge, " type bridge"),
                    cat("addr add ", link.gateway, "/", link.prefix, " dev ", link.bridge),
                    cat("link set ", link.bridge, " up")});
}

}  // namespace kpp::lab
