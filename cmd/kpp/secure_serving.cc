#include "secure_serving.h"

#include <algorithm>

#include "api/corev1.h"
#include "base/fs.h"
#include "client/informer.h"
#include "codec/json.h"
#include "net/tls.h"
#include "net/x509.h"

namespace kpp::cmd {
namespace {

constexpr std::size_t kMaxPem = 1u << 20;
constexpr const char* kText = "text/plain; charset=utf-8";

// A certificate for one run of the process.
Result<net::x509::KeyPair> own_certificate(WallTime now) {
  const net::x509::Validity validity{now - std::chrono::hours(1),
                                     now + std::chrono::hours(24 * 365)};
  KPP_ASSIGN(const net::x509::KeyPair ca, net::x509::make_ca("localhost-ca", validity));
  net::x509::Subject subject;
  subject.common_name = "localhost";
  subject.dns_names = {"localhost"};
  subject.ip_addresses = {"127.0.0.1"};
  return net::x509::issue(ca, subject, {true, false}, validity);
}

Result<net::x509::KeyPair> certificate(const ServingOptions& options, WallTime now) {
  if (options.tls_cert_file.empty()) return own_certificate(now);
  net::x509::KeyPair out;
  KPP_ASSIGN(out.certificate_pem, fs::read_file(options.tls_cert_file, kMaxPem));
  KPP_ASSIGN(out.key_pem, fs::read_file(options.tls_private_key_file, kMaxPem));
  return out;
}

net::Response refusal(const Status& status) {
  json::Object body{{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", json::Object()},
                    {"status", "Failure"},
                    {"message", status.message()},
                    {"reason", reason_text(status.reason())},
                    {"code", status.code()}};
  return net::Response::text(status.code(), "application/json", json::write(body));
}

}  // namespace

// Connections to ask with, and what is learnt by them.
struct SecureServing::Delegation {
  Connection authentication, authorization;
  std::unique_ptr<client::DelegatedAccess> access;
  std::unique_ptr<client::Informer<corev1::ConfigMap>> published;  // the API server's client CA
};

class SecureServing::Pages final : public net::Handler {
 public:
  Pages(std::vector<std::string> open_paths, client::DelegatedAccess* access)
      : open_paths_(std::move(open_paths)), access_(access) {}

  async::Task<net::Response> handle(net::Request request, async::StopToken stop) override {
    if (std::ranges::find(open_paths_, request.path) == open_paths_.end()) {
      Status allowed = co_await check(request, std::move(stop));
      if (!allowed.ok()) co_return refusal(allowed);
    }
    for (const char* path : {"/healthz", "/livez", "/readyz"}) {
      if (request.path == path) co_return net::Response::text(200, kText, "ok");
    }
    co_return net::Response::text(404, kText, "404 page not found\n");
  }

 private:
  async::Task<Status> check(const net::Request& request, async::StopToken stop) {
    if (access_ == nullptr) co_return Status(Reason::kUnauthorized, "Unauthorized");
    auto user = co_await access_->authenticate(request, stop);
    if (!user) co_return Status(Reason::kUnauthorized, "Unauthorized");
    const std::string name = user->username;
    auto wanted = client::path_access(request);
    const std::string what =
        cat("forbidden: User ", quoted(name), " cannot ", wanted.non_resource_attributes->verb,
            " path ", quoted(request.path));
    Status allowed = co_await access_->authorize(std::move(*user), std::move(wanted), stop);
    if (allowed.ok() || !allowed.is(Reason::kForbidden)) co_return allowed;
    co_return Status(Reason::kForbidden,
                     allowed.message().empty() ? what : cat(what, ": ", allowed.message()));
  }

  const std::vector<std::string> open_paths_;
  client::DelegatedAccess* const access_;  // nullptr: nobody is let in
};

void ServingOptions::add_to(Flags& flags, int default_port) {
  secure_port = default_port;
  flags.add("bind-address", &bind_address, "the address to serve on");
  flags.add("secure-port", &secure_port, "the port to serve HTTPS on; 0: none");
  flags.add("tls-cert-file", &tls_cert_file,
            "the certificate of that port; empty: one that signs itself");
  flags.add("tls-private-key-file", &tls_private_key_file, "its key");
  flags.add("authentication-kubeconfig", &authentication_kubeconfig,
            "how to reach the API server that callers' tokens are shown to");
  flags.add("authorization-kubeconfig", &authorization_kubeconfig,
            "how to reach the API server that is asked what callers may do");
  flags.add("authorization-always-allow-paths", &open_paths, "paths that everybody may get");
  flags.add("authentication-token-webhook-cache-ttl", &access.token_life,
            "how long the answer about a token is kept");
  flags.add("authorization-webhook-cache-authorized-ttl", &access.allowed_life,
            "how long a permission is kept");
  flags.add("authorization-webhook-cache-unauthorized-ttl", &access.denied_life,
            "how long a refusal is kept");
  flags.add("client-ca-file", &client_ca_file,
            "who signs the certificates of callers; empty: as the API server publishes it");
  flags.add("requestheader-client-ca-file", &requestheader_client_ca_file,
            "who signs the certificates of proxies; users that they name are not taken here");
}

SecureServing::SecureServing(Process& process, ServingOptions options, std::string agent)
    : process_(process),
      options_(std::move(options)),
      agent_(std::move(agent)),
      log_(process.log.named("serving")) {}
SecureServing::~SecureServing() = default;

Status SecureServing::use_client_ca(std::string client_ca_pem) {
  tls_.client_ca_pem = std::move(client_ca_pem);
  KPP_ASSIGN(auto context, net::TlsContext::server(tls_));
  if (server_) server_->replace_tls(std::move(context));
  return {};
}

Status SecureServing::start() {
  if (options_.secure_port == 0) return {};
  KPP_ASSIGN(const net::x509::KeyPair pair, certificate(options_, process_.executor.wall()));
  tls_.certificate_pem = pair.certificate_pem;
  tls_.key_pem = pair.key_pem;
  if (!options_.client_ca_file.empty()) {
    KPP_ASSIGN(tls_.client_ca_pem, fs::read_file(options_.client_ca_file, kMaxPem));
  }
  if (!options_.requestheader_client_ca_file.empty()) {
    KPP_ASSIGN(const std::string proxies,
               fs::read_file(options_.requestheader_client_ca_file, kMaxPem));
    const auto key = net::x509::public_key_hash(proxies);
    if (!key) return Status(key.error()).with_context("--requestheader-client-ca-file");
  }
  if (!options_.authentication_kubeconfig.empty() && !options_.authorization_kubeconfig.empty()) {
    delegation_ = std::make_unique<Delegation>();
    KPP_ASSIGN(delegation_->authentication,
               connect(process_, options_.authentication_kubeconfig, agent_));
    KPP_ASSIGN(delegation_->authorization,
               connect(process_, options_.authorization_kubeconfig, agent_));
    delegation_->access = std::make_unique<client::DelegatedAccess>(
        process_.executor, *delegation_->authentication.client, *delegation_->authorization.client,
        options_.access);
    if (options_.client_ca_file.empty()) follow_published_ca();
  }
  KPP_ASSIGN(const auto context, net::TlsContext::server(tls_));
  pages_ = std::make_unique<Pages>(options_.open_paths,
                                   delegation_ ? delegation_->access.get() : nullptr);
  server_ = std::make_unique<net::Server>(process_.executor, *pages_, net::ServerOptions{}, log_);
  auto port = server_->listen_tcp(options_.bind_address,
                                  static_cast<std::uint16_t>(options_.secure_port), context);
  if (!port) {
    return std::move(port).error().with_context(
        cat("cannot listen on ", options_.bind_address, ":", options_.secure_port));
  }
  log_.info("Serving securely", {kv("address", options_.bind_address), kv("port", *port)});
  return {};
}

void SecureServing::follow_published_ca() {
  constexpr std::string_view kName = "extension-apiserver-authentication";
  client::ListQuery one;
  one.field_selector = cat("metadata.name=", kName);
  delegation_->published = std::make_unique<client::Informer<corev1::ConfigMap>>(
      process_.executor, *delegation_->authentication.client, log_, "kube-system", one);
  delegation_->published->add_handler([this](const auto&, const auto& map) {
    if (!map) return;
    const auto found = map->data.find("client-ca-file");
    if (found == map->data.end() || found->second == tls_.client_ca_pem) return;
    if (Status s = use_client_ca(found->second); !s.ok())
      log_.warning("The published client CA is not usable", {kv("err", s.message())});
  });
  delegation_->published->start();
}

async::Task<void> SecureServing::stop() {
  if (delegation_ && delegation_->published) co_await delegation_->published->stop();
  if (server_) co_await server_->stop();
}

}  // namespace kpp::cmd
