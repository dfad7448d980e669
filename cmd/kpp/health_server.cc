#include "health_server.h"

#include "base/fs.h"
#include "net/tls.h"
#include "net/x509.h"

namespace kpp::cmd {
namespace {

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

Result<net::x509::KeyPair> certificate(const HealthOptions& options, WallTime now) {
  if (options.tls_cert_file.empty()) return own_certificate(now);
  net::x509::KeyPair out;
  KPP_ASSIGN(out.certificate_pem, fs::read_file(options.tls_cert_file, 1u << 20));
  KPP_ASSIGN(out.key_pem, fs::read_file(options.tls_private_key_file, 1u << 20));
  return out;
}

}  // namespace

struct HealthServer::Answers final : net::Handler {
  async::Task<net::Response> handle(net::Request request, async::StopToken) override {
    for (const char* path : {"/healthz", "/livez", "/readyz"}) {
      if (request.path == path)
        co_return net::Response::text(200, "text/plain; charset=utf-8", "ok");
    }
    co_return net::Response::text(404, "text/plain; charset=utf-8", "404 page not found\n");
  }
};

void HealthOptions::add_to(Flags& flags, int default_port) {
  secure_port = default_port;
  flags.add("bind-address", &bind_address, "the address to answer health checks on; empty: none");
  flags.add("secure-port", &secure_port, "the port to answer health checks on, by HTTPS; 0: none");
  flags.add("tls-cert-file", &tls_cert_file,
            "the certificate of that port; empty: one that signs itself");
  flags.add("tls-private-key-file", &tls_private_key_file, "its key");
}

HealthServer::HealthServer(async::IoExecutor& executor, Logger log)
    : executor_(executor), log_(std::move(log)) {}
HealthServer::~HealthServer() = default;

Status HealthServer::start(const HealthOptions& options) {
  if (options.bind_address.empty() || options.secure_port == 0) return {};
  KPP_ASSIGN(const net::x509::KeyPair pair, certificate(options, executor_.wall()));
  net::TlsServerOptions tls;
  tls.certificate_pem = pair.certificate_pem;
  tls.key_pem = pair.key_pem;
  KPP_ASSIGN(const auto context, net::TlsContext::server(tls));
  answers_ = std::make_unique<Answers>();
  server_ = std::make_unique<net::Server>(executor_, *answers_, net::ServerOptions{},
                                          log_.named("health"));
  auto port = server_->listen_tcp(options.bind_address,
                                  static_cast<std::uint16_t>(options.secure_port), context);
  if (port) return {};
  return std::move(port).error().with_context(
      cat("cannot listen on ", options.bind_address, ":", options.secure_port));
}

async::Task<void> HealthServer::stop() {
  if (server_) co_await server_->stop();
}

}  // namespace kpp::cmd
