#include "apiserver/handlers/proxy_target.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "api/corev1.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "base/ids.h"

namespace kpp::apiserver {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

Status unavailable(std::string message) {
  return Status(Reason::kServiceUnavailable, std::move(message), StatusDetails{});
}

// A unicast address that is neither this machine's own nor bound to one link.
bool is_for_everybody(const std::string& address) {
  if (in_addr v4{}; inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    const std::uint32_t ip = ntohl(v4.s_addr);
    const std::uint32_t first = ip >> 24;
    const bool is_link_local = (ip >> 16) == 0xa9fe;
    return ip != 0 && first != 127 && !is_link_local && (first < 224 || first > 239) &&
           ip != 0xffffffff;
  }
  if (in6_addr v6{}; inet_pton(AF_INET6, address.c_str(), &v6) == 1) {
    return !IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_LOOPBACK(&v6) &&
           !IN6_IS_ADDR_LINKLOCAL(&v6) && !IN6_IS_ADDR_MULTICAST(&v6);
  }
  return false;
}

Result<std::uint16_t> port_number(std::string_view text) {
  const auto parsed = number(text);
  if (!parsed || *parsed < 1 || *parsed > 65535) {
    return fail(unavailable(cat("error trying to reach service: dial tcp: ",
                                parsed ? cat("address ", text, ": invalid port")
                                       : cat("lookup tcp/", text, ": unknown port"))));
  }
  return static_cast<std::uint16_t>(*parsed);
}

// The object of another resource; empty if there is none.
CachedRef find(Call& call, std::string_view resource, std::string_view name) {
  const ServedResource& served = *call.core.table.find("", "v1", resource);
  return call.core.cache.cache(served).find(served.store_key(call.info.namespace_, name));
}

Result<ProxyTarget> pod_target(Call& call, const ProxyName& asked) {
  const CachedRef found = find(call, "pods", asked.name);
  if (!found) return fail(not_found("", "pods", asked.name));
  const api::Object object = decode_cached(*call.resource, *found);
  const auto& pod = *object.as<corev1::Pod>();
  ProxyTarget out{asked.https, pod.status.pod_ip,
                  static_cast<std::uint16_t>(asked.https ? 443 : 80)};
  if (!is_for_everybody(out.host)) return fail(bad_request("address not allowed"));
  if (!asked.port.empty()) {
    KPP_ASSIGN(out.port, port_number(asked.port));
    return out;
  }
  const auto declares = std::ranges::find_if(
      pod.spec.containers, [](const corev1::Container& c) { return !c.ports.empty(); });
  if (declares != pod.spec.containers.end())
    out.port = static_cast<std::uint16_t>(declares->ports.front().container_port);
  return out;
}

// Addresses of a pod that went, or has another address by now, are not sent to.
bool is_still_backed(Call& call, const corev1::EndpointAddress& address) {
  if (!address.target_ref) return true;
  const auto& target = *address.target_ref;
  if (target.kind != "Pod" || target.namespace_ != call.info.namespace_) return false;
  const CachedRef found = find(call, "pods", target.name);
  if (!found) return false;
  const api::Object object = decode_cached(*call.core.table.find("", "v1", "pods"), *found);
  const auto& pod = *object.as<corev1::Pod>();
  return pod.status.pod_ip == address.ip ||
         std::ranges::any_of(pod.status.pod_ips,
                             [&](const corev1::PodIP& ip) { return ip.ip == address.ip; });
}

// A port's number is that of the service; endpoints know it by its name.
Result<std::string> port_name(Call& call, const ProxyName& asked) {
  const auto wanted = number(asked.port);
  if (!wanted) return asked.port;
  const CachedRef found = find(call, "services", asked.name);
  if (!found) return fail(not_found("", "services", asked.name));
  const api::Object object = decode_cached(*call.resource, *found);
  for (const auto& port : object.as<corev1::Service>()->spec.ports) {
    if (port.port == *wanted) return port.name;
  }
  return fail(
      unavailable(cat("no service port ", *wanted, " found for service ", quoted(asked.name))));
}

Result<ProxyTarget> service_target(Call& call, const ProxyName& asked) {
  KPP_ASSIGN(const std::string port, port_name(call, asked));
  const CachedRef found = find(call, "endpoints", asked.name);
  if (!found) return fail(not_found("", "endpoints", asked.name));
  const ServedResource& served = *call.core.table.find("", "v1", "endpoints");
  const api::Object object = decode_cached(served, *found);
  std::vector<ProxyTarget> backed;
  for (const auto& subset : object.as<corev1::Endpoints>()->subsets) {
    const auto match = std::ranges::find(subset.ports, port, &corev1::EndpointPort::name);
    if (match == subset.ports.end()) continue;
    for (const auto& address : subset.addresses) {
      if (is_still_backed(call, address)) {
        backed.push_back({asked.https, address.ip, static_cast<std::uint16_t>(match->port)});
      }
    }
  }
  if (backed.empty())
    return fail(unavailable(cat("no endpoints available for service ", quoted(asked.name))));
  const std::string dice = random_bytes(2);
  const auto thrown =
      (static_cast<unsigned char>(dice[0]) << 8) + static_cast<unsigned char>(dice[1]);
  ProxyTarget out = backed[static_cast<std::size_t>(thrown) % backed.size()];
  if (!is_for_everybody(out.host)) return fail(bad_request("address not allowed"));
  return out;
}

Result<ProxyTarget> node_target(Call& call, const ProxyName& asked,
                                const KubeletConnections& kubelets) {
  KPP_ASSIGN(const auto address, kubelets.address_of(call, asked.name));
  if (asked.port.empty() || asked.port == cat(address.port))
    return ProxyTarget{true, address.host, address.port, true};
  if (!is_for_everybody(address.host)) return fail(bad_request("address not allowed"));
  ProxyTarget out{asked.https, address.host};
  KPP_ASSIGN(out.port, port_number(asked.port));
  return out;
}

}  // namespace

std::optional<ProxyName> parse_proxy_name(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
  }
  ProxyName out;
  switch (parts.size()) {
    case 1:
      out.name = parts[0];
      break;
    case 2:
      out.name = parts[0];
      out.port = parts[1];
      break;
    case 3:
      if (parts[0] != "" && parts[0] != "http" && parts[0] != "https") return std::nullopt;
      out.https = parts[0] == "https";
      out.name = parts[1];
      out.port = parts[2];
      break;
    default:
      return std::nullopt;
  }
  if (out.name.empty()) return std::nullopt;
  return out;
}

Result<ProxyTarget> resolve_proxy_target(Call& call, const KubeletConnections& kubelets) {
  const std::string_view kind = call.info.resource == "pods"       ? "pod"
                                : call.info.resource == "services" ? "service"
                                                                   : "node";
  const auto asked = parse_proxy_name(call.info.name);
  if (!asked) return fail(bad_request(cat("invalid ", kind, " request ", quoted(call.info.name))));
  if (kind == "pod") return pod_target(call, *asked);
  if (kind == "service") return service_target(call, *asked);
  return node_target(call, *asked, kubelets);
}

}  // namespace kpp::apiserver
