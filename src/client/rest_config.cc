#include "client/rest_config.h"

#include <cstdlib>

#include "base/fs.h"
#include "client/token_source.h"

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

Result<RestConfig> in_cluster_config() {
  constexpr std::string_view kAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
  const char* const host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* const port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr) {
    return fail(Reason::kNotFound,
                "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
                "KUBERNETES_SERVICE_PORT must be defined");
  }
  const std::string_view name = host;
  const bool brackets = name.contains(':');
  RestConfig out;
  out.cluster.server = cat("https://", brackets ? "[" : "", name, brackets ? "]" : "", ":", port);
  KPP_ASSIGN(out.cluster.ca_pem, fs::read_file(cat(kAccount, "/ca.crt"), 1u << 20));
  out.user.token_file = cat(kAccount, "/token");
  out.namespace_ = fs::read_file(cat(kAccount, "/namespace"), 4096).value_or("default");
  return out;
}

Result<std::unique_ptr<net::HttpClient>> make_http_client(async::IoExecutor& executor,
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

Result<std::unique_ptr<net::Transport>> make_transport(async::IoExecutor& executor,
                                                       const RestConfig& config) {
  KPP_ASSIGN(std::unique_ptr<net::Transport> out, make_http_client(executor, config));
  if (config.user.token_file.empty()) return out;
  return std::make_unique<BearerTransport>(
      std::move(out), std::make_unique<FileTokenSource>(executor, config.user.token_file));
}

}  // namespace kpp::client
