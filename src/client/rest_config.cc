#include "client/rest_config.h"

namespace kpp::client {

Result<RestConfig> rest_config(const Kubeconfig& config, std::string_view context) {
  const std::string name(context.empty() ? std::string_view(config.current_context) : context);
  const KubeContext* found = config.context(name);
  if (!found) return fail(Reason::kBadRequest, cat("context ", quoted(name), " does not exist"));
  const KubeCluster* cluster = config.cluster(found->cluster);
  if (!cluster || cluster->server.empty()) {
    return fail(Reason::kBadRequest, cat("cluster ", quoted(found->cluster), " of context ",
                                         quoted(name), " has no server"));
  }
  RestConfig out;
  out.cluster = *cluster;
  if (!found->user.empty()) {
    const KubeUser* user = config.user(found->user);
    if (!user)
      return fail(Reason::kBadRequest, cat("auth info ", quoted(found->user), " does not exist"));
    out.user = *user;
  }
  out.namespace_ = found->namespace_.empty() ? "default" : found->namespace_;
  return out;
}

Result<std::unique_ptr<net::HttpClient>> make_transport(async::IoExecutor& executor,
                                                        const RestConfig& config) {
  KPP_ASSIGN(net::Endpoint endpoint, net::Endpoint::parse(config.cluster.server));
  net::ClientOptions options;
  if (endpoint.tls) {
    net::TlsClientOptions tls;
    tls.ca_pem = config.cluster.ca_pem;
    tls.certificate_pem = config.user.certificate_pem;
    tls.key_pem = config.user.key_pem;
    tls.insecure = config.cluster.insecure_skip_tls_verify;
    KPP_ASSIGN(options.dial.tls, net::TlsContext::client(tls));
    options.dial.server_name = config.cluster.tls_server_name;
  }
  return std::make_unique<net::HttpClient>(executor, std::move(endpoint), std::move(options));
}

}  // namespace kpp::client
