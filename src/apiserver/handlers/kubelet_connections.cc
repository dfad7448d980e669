#include "apiserver/handlers/kubelet_connections.h"

#include "api/corev1.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"

namespace kpp::apiserver {

std::string KubeletConnections::Address::authority() const {
  return host.find(':') == std::string::npos ? cat(host, ":", port) : cat("[", host, "]:", port);
}

KubeletConnections::KubeletConnections(async::IoExecutor& executor,
                                       std::shared_ptr<const net::TlsContext> tls,
                                       std::vector<std::string> address_types)
    : executor_(executor), tls_(std::move(tls)), address_types_(std::move(address_types)) {}

Result<KubeletConnections::Address> KubeletConnections::address_of(
    Call& call, std::string_view node_name) const {
  const ServedResource& nodes = *call.core.table.find("", "v1", "nodes");
  const CachedRef found = call.core.cache.cache(nodes).find(nodes.store_key("", node_name));
  if (!found) return fail(not_found("", "nodes", node_name));
  const api::Object object = decode_cached(nodes, *found);
  const auto& node = *object.as<corev1::Node>();
  Address out;
  for (const std::string& type : address_types_) {
    for (const auto& address : node.status.addresses) {
      if (out.host.empty() && address.type == type) out.host = address.address;
    }
  }
  if (out.host.empty())
    return fail(internal(cat("no preferred addresses found; known addresses: []")));
  if (const auto port = node.status.daemon_endpoints.kubelet_endpoint.port; port > 0)
    out.port = static_cast<std::uint16_t>(port);
  return out;
}

Result<net::HttpClient*> KubeletConnections::client_for(const Address& address) {
  if (tls_ == nullptr)
    return fail(internal("this server was started without a client certificate for kubelets"));
  auto& slot = clients_[address.authority()];
  if (!slot) {
    net::Endpoint endpoint;
    endpoint.tls = true;
    endpoint.host = address.host;
    endpoint.port = address.port;
    net::ClientOptions options;
    options.dial.tls = tls_;
    slot = std::make_unique<net::HttpClient>(executor_, std::move(endpoint), std::move(options));
  }
  return slot.get();
}

}  // namespace kpp::apiserver
