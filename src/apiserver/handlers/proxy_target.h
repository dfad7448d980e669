// Where the proxy subresource of pods, services and nodes leads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/call.h"
#include "apiserver/handlers/kubelet_connections.h"
#include "base/status.h"

namespace kpp::apiserver {

// What such a request may name: NAME, NAME:PORT or SCHEME:NAME:PORT, where any but the name may be
// empty.
struct ProxyName {
  bool https = false;
  std::string name;
  std::string port;  // a number, or a service's name for it; empty: none was named
};
// nullopt: it is of no such form.
std::optional<ProxyName> parse_proxy_name(std::string_view text);

struct ProxyTarget {
  bool https = false;
  std::string host;  // an address
  std::uint16_t port = 0;
  bool kubelet = false;  // a node's kubelet, which wants this server's credential
};

// Resolves the name of a request with the subresource "proxy". A pod is reached at its first
// declared port unless another is named; a service at one of the addresses of its Endpoints, at
// random; a node at its kubelet unless another port is named. Addresses that are not for everybody
// (loopback, link-local, multicast) are refused with kBadRequest; a service that nobody backs is
// kServiceUnavailable.
Result<ProxyTarget> resolve_proxy_target(Call& call, const KubeletConnections& kubelets);

}  // namespace kpp::apiserver
