#include "kubelet/certificates/api_connection.h"

#include "async/wait.h"
#include "base/fs.h"
#include "client/kubeconfig.h"
#include "codec/base64.h"
#include "codec/yaml.h"

namespace kpp::kubelet {
namespace {

constexpr const char* kUserAgent = "kubelet";
constexpr Duration kPause = std::chrono::seconds(2);
constexpr Duration kLongestPause = std::chrono::seconds(32);

Result<client::RestConfig> read_config(const std::string& path) {
  KPP_ASSIGN(const client::Kubeconfig file, client::load_kubeconfig(path));
  return client::rest_config(file);
}

}  // namespace

Status check_kubeconfig(const std::string& path, WallTime now) {
  KPP_ASSIGN(const client::RestConfig config, read_config(path));
  if (config.user.certificate_pem.empty()) return {};
  KPP_ASSIGN(const auto info, net::x509::read_certificate(config.user.certificate_pem));
  if (info.validity.not_after > now) return {};
  return {Reason::kUnauthorized, cat("part of the existing bootstrap client certificate in ", path,
                                     " is expired: ", rfc3339(info.validity.not_after))};
}

std::string kubeconfig_with_certificate(const client::RestConfig& bootstrap,
                                        const std::string& pem_path) {
  json::Object cluster{{"server", bootstrap.cluster.server}};
  if (!bootstrap.cluster.ca_pem.empty())
    cluster["certificate-authority-data"] = base64_encode(bootstrap.cluster.ca_pem);
  if (!bootstrap.cluster.tls_server_name.empty())
    cluster["tls-server-name"] = bootstrap.cluster.tls_server_name;
  if (bootstrap.cluster.insecure_skip_tls_verify) cluster["insecure-skip-tls-verify"] = true;
  const json::Object user{{"client-certificate", pem_path}, {"client-key", pem_path}};
  const json::Object context{
      {"cluster", "default-cluster"}, {"user", "default-auth"}, {"namespace", "default"}};
  const json::Object file{
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"clusters", json::Array{json::Object{{"name", "default-cluster"}, {"cluster", cluster}}}},
      {"users", json::Array{json::Object{{"name", "default-auth"}, {"user", user}}}},
      {"contexts", json::Array{json::Object{{"name", "default-context"}, {"context", context}}}},
      {"current-context", "default-context"}};
  return yaml::write(file);
}

ApiConnection::ApiConnection(async::IoExecutor& executor, Logger log, ApiConnectionOptions options)
    : executor_(executor),
      log_(std::move(log)),
      options_(std::move(options)),
      store_(options_.certificate_directory, "kubelet-client") {}

async::Task<Status> ApiConnection::open(async::StopToken stop) {
  if (options_.kubeconfig.empty()) {
    co_return Status(Reason::kInvalid, "--kubeconfig is needed: it says where the API server is");
  }
  if (!options_.bootstrap_kubeconfig.empty()) {
    const Status usable = check_kubeconfig(options_.kubeconfig, executor_.wall());
    if (!usable.ok()) {
      log_.info("Bootstrapping", {kv("because", usable.message())});
      KPP_CO_RETURN_IF_ERROR(co_await bootstrap(stop));
    }
  }
  KPP_CO_RETURN_IF_ERROR(use_kubeconfig());
  co_return Status();
}

async::Task<Status> ApiConnection::bootstrap(async::StopToken stop) {
  if (!fs::exists(options_.bootstrap_kubeconfig)) {
    co_return Status(Reason::kInvalid,
                     cat("unable to load bootstrap kubeconfig: stat ",
                         options_.bootstrap_kubeconfig, ": no such file or directory"));
  }
  auto config = read_config(options_.bootstrap_kubeconfig);
  if (!config) {
    co_return std::move(config).error().with_context("unable to load bootstrap kubeconfig");
  }
  KPP_CO_ASSIGN(const std::unique_ptr<net::Transport> transport,
                client::make_transport(executor_, *config));
  client::Client client(*transport, kUserAgent, config->user.token);
  for (Duration pause = kPause;; pause = std::min(pause * 2, kLongestPause)) {
    auto pair = co_await request_certificate(executor_, client, log_,
                                             client_certificate_of(options_.node_name), stop);
    if (stop.stop_requested()) co_return Status(Reason::kCanceled, "stopped");
    if (pair) {
      KPP_CO_RETURN_IF_ERROR(store_.update(*pair, executor_.wall()));
      break;
    }
    log_.error("Failed to obtain a client certificate", {kv("err", pair.error().to_string())});
    co_await async::sleep_for(executor_, pause, stop);
  }
  co_return fs::write_file_atomic(
      options_.kubeconfig, kubeconfig_with_certificate(*config, store_.current_path()), 0600);
}

Status ApiConnection::use_kubeconfig() {
  auto config = read_config(options_.kubeconfig);
  if (!config) return std::move(config).error().with_context("invalid kubeconfig");
  config_ = std::move(*config);
  if (!options_.rotate || config_.user.certificate_pem.empty()) {
    KPP_ASSIGN(transport_, client::make_transport(executor_, config_));
    client_ = std::make_unique<client::Client>(*transport_, kUserAgent, config_.user.token);
    return {};
  }
  KPP_ASSIGN(auto connections, client::make_http_client(executor_, config_));
  auto& rotating = *connections;
  transport_ = std::move(connections);
  client_ = std::make_unique<client::Client>(rotating, kUserAgent);
  // A certificate that others made is the first one, and is replaced by one of the node's own key.
  const bool first = !store_.current();
  if (first) {
    KPP_RETURN_IF_ERROR(
        store_.update({config_.user.certificate_pem, config_.user.key_pem}, executor_.wall()));
  }
  keeper_.emplace(CertificateKeeperDeps{executor_, *client_, log_.named("certificates")}, store_,
                  client_certificate_of(options_.node_name),
                  [this, &rotating](const auto& pair) { use_certificate(rotating, pair); });
  keeper_->start(first);
  return {};
}

void ApiConnection::use_certificate(net::HttpClient& connections, const net::x509::KeyPair& pair) {
  net::TlsClientOptions tls;
  tls.ca_pem = config_.cluster.ca_pem;
  tls.certificate_pem = pair.certificate_pem;
  tls.key_pem = pair.key_pem;
  tls.insecure = config_.cluster.insecure_skip_tls_verify;
  auto context = net::TlsContext::client(tls);
  if (context) {
    connections.replace_tls(std::move(*context));
  } else {
    log_.error("Failed to use a client certificate", {kv("err", context.error().to_string())});
  }
}

async::Task<void> ApiConnection::stop() {
  if (keeper_) co_await keeper_->stop();
}

}  // namespace kpp::kubelet
