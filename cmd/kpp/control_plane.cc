#include "control_plane.h"

#include <unistd.h>

#include "base/fs.h"
#include "codec/base64.h"
#include "net/tls.h"
#include "store/etcd/etcd_store.h"
#include "store/sqlite/sqlite_store.h"

namespace kpp::cmd {
namespace {

// The first address of the service range: where pods reach the API server.
std::string first_service_address(const std::string& cidr) {
  const std::string network = cidr.substr(0, cidr.find('/'));
  const auto dot = network.rfind('.');
  if (dot == std::string::npos) return network;
  return cat(network.substr(0, dot), ".", std::stoi(network.substr(dot + 1)) + 1);
}

std::vector<std::string> server_addresses(const ControlPlaneOptions& o) {
  std::vector<std::string> out = {"127.0.0.1", first_service_address(o.service_cidr)};
  for (const auto& a : {o.advertise_address, o.bind_address}) {
    if (a != "0.0.0.0" && a != "::" && std::find(out.begin(), out.end(), a) == out.end())
      out.push_back(a);
  }
  return out;
}

std::string machine_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

Result<std::string> read_given(std::string_view flag, const std::string& path) {
  if (path.empty())
    return fail(Reason::kInvalid, cat("--", flag, " is needed beside --tls-cert-file"));
  auto text = fs::read_file(path, 1u << 20);
  if (!text) return fail(std::move(text).error().with_context(cat("--", flag)));
  return text;
}

// One key signs the tokens, and tokens of no other are taken.
Status check_service_account_keys(const ControlPlaneOptions& o, const std::string& signing_key) {
  KPP_ASSIGN(const std::string own, net::x509::public_key(signing_key));
  for (const std::string& path : o.service_account_key_files) {
    KPP_ASSIGN(const std::string text, read_given("service-account-key-file", path));
    const auto half = text.find("PRIVATE KEY") == std::string::npos ? Result<std::string>(text)
                                                                    : net::x509::public_key(text);
    if (!half || *half != own) {
      return {Reason::kInvalid,
              cat("--service-account-key-file: ", path, " is not the public half of ",
                  o.service_account_signing_key_file, "; keys of others are not supported")};
    }
  }
  return {};
}

Result<apiserver::Certificates> given_certificates(const ControlPlaneOptions& o) {
  apiserver::Certificates out;
  KPP_ASSIGN(out.server.certificate_pem, read_given("tls-cert-file", o.tls_cert_file));
  KPP_ASSIGN(out.server.key_pem, read_given("tls-private-key-file", o.tls_private_key_file));
  KPP_ASSIGN(out.ca_certificate_pem, read_given("client-ca-file", o.client_ca_file));
  KPP_ASSIGN(out.kubelet_client.certificate_pem,
             read_given("kubelet-client-certificate", o.kubelet_client_certificate));
  KPP_ASSIGN(out.kubelet_client.key_pem, read_given("kubelet-client-key", o.kubelet_client_key));
  KPP_ASSIGN(out.service_account_key_pem,
             read_given("service-account-signing-key-file", o.service_account_signing_key_file));
  KPP_RETURN_IF_ERROR(check_service_account_keys(o, out.service_account_key_pem));
  return out;
}

}  // namespace

ControlPlane::ControlPlane(async::IoExecutor& executor, async::ThreadPool& pool, Logger log,
                           ControlPlaneOptions options)
    : executor_(executor),
      pool_(pool),
      log_(std::move(log)),
      options_(std::move(options)),
      failed_(executor),
      scope_(executor) {}
ControlPlane::~ControlPlane() = default;

std::string ControlPlane::url() const {
  return cat("https://", options_.advertise_address, ":", options_.secure_port);
}

async::Task<Result<std::unique_ptr<store::Store>>> ControlPlane::open_store(async::StopToken stop) {
  const EtcdFlags& etcd = options_.etcd;
  if (etcd.servers.empty()) {
    store::SqliteOptions embedded;
    embedded.path = cat(options_.data_dir, "/store");
    embedded.log = log_.named("store");
    co_return store::open_sqlite(executor_, std::move(embedded));
  }
  store::EtcdOptions shared;
  shared.endpoints = etcd.servers;
  shared.prefix = etcd.prefix;
  const std::tuple<std::string_view, const std::string*, std::string*> files[] = {
      {"etcd-cafile", &etcd.ca_file, &shared.ca_pem},
      {"etcd-certfile", &etcd.certificate_file, &shared.certificate_pem},
      {"etcd-keyfile", &etcd.key_file, &shared.key_pem}};
  for (const auto& [flag, path, text] : files) {
    if (path->empty()) continue;
    auto read = fs::read_file(*path, 1u << 20);
    if (!read) co_return fail(std::move(read).error().with_context(cat("--", flag)));
    *text = std::move(*read);
  }
  co_return co_await store::open_etcd(executor_, std::move(shared), std::move(stop));
}

async::Task<Status> ControlPlane::start(async::StopToken stop) {
  const bool given = !options_.tls_cert_file.empty();
  // With all of it given by others nothing is kept here.
  if (!given || options_.etcd.servers.empty())
    KPP_CO_RETURN_IF_ERROR(fs::make_directories(options_.data_dir, 0700));
  if (given) {
    KPP_CO_ASSIGN(certificates_, given_certificates(options_));
  } else {
    apiserver::CertificateOptions certificates;
    certificates.directory = pki_directory();
    certificates.ip_addresses = server_addresses(options_);
    certificates.node_name = options_.node_name;
    certificates.node_addresses = {options_.advertise_address};
    KPP_CO_ASSIGN(certificates_, apiserver::ensure_certificates(certificates, executor_.wall()));
  }

  auto opened = co_await open_store(stop);
  if (!opened) co_return std::move(opened).error();
  store_ = std::move(*opened);
  compactor_ = std::make_unique<store::Compactor>(executor_, *store_, log_.named("compactor"));
  compactor_->start();

  std::string client_ca = certificates_.ca_certificate_pem;
  if (!given && !options_.client_ca_file.empty()) {
    KPP_CO_ASSIGN(const std::string more, fs::read_file(options_.client_ca_file, 1u << 20));
    client_ca += more;
  }

  apiserver::ApiServerOptions server_options;
  server_options.client_ca_pem = client_ca;
  server_options.service_cidr = options_.service_cidr;
  server_options.event_ttl = std::chrono::floor<std::chrono::seconds>(options_.event_ttl);
  server_options.advertise_address = options_.advertise_address;
  server_options.secure_port = options_.secure_port;
  server_options.hostname = machine_name();
  server_options.authentication.token_auth_file = options_.token_auth_file;
  server_options.authentication.anonymous = options_.anonymous_auth;
  server_options.authentication.request_headers = options_.request_headers;
  server_options.audit_log = options_.audit_log;
  server_options.audit_policy = options_.audit_policy;
  server_options.authorization_modes = options_.authorization_modes;
  server_options.admission_plugins = options_.admission_plugins;
  server_options.kubelet_address_types = options_.kubelet_address_types;
  server_options.bootstrap_tokens = options_.bootstrap_tokens;
  if (!options_.service_account_issuer.empty())
    server_options.service_account_issuer = options_.service_account_issuer;
  server_options.service_account_key_pem = certificates_.service_account_key_pem;
  server_options.service_account_key_follows = certificates_.service_account_key_pem.empty();
  net::TlsClientOptions to_kubelets;
  to_kubelets.ca_pem = certificates_.ca_certificate_pem;
  if (!options_.kubelet_certificate_authority.empty()) {
    KPP_CO_ASSIGN(to_kubelets.ca_pem, read_given("kubelet-certificate-authority",
                                                 options_.kubelet_certificate_authority));
  } else {
    // Kubelets of a cluster that others made sign their serving certificates themselves.
    to_kubelets.insecure = given;
  }
  to_kubelets.certificate_pem = certificates_.kubelet_client.certificate_pem;
  to_kubelets.key_pem = certificates_.kubelet_client.key_pem;
  KPP_CO_ASSIGN(server_options.kubelet_tls, net::TlsContext::client(to_kubelets));
  KPP_CO_ASSIGN(server_, apiserver::ApiServer::make(executor_, *store_, log_.named("apiserver"),
                                                    std::move(server_options)));
  if (certificates_.service_account_key_pem.empty()) scope_.spawn(make_service_account_key());
  KPP_CO_RETURN_IF_ERROR(co_await server_->start(stop));

  net::TlsServerOptions tls;
  tls.certificate_pem = certificates_.server.certificate_pem;
  tls.key_pem = certificates_.server.key_pem;
  tls.client_ca_pem = client_ca;
  KPP_CO_ASSIGN(const auto context, net::TlsContext::server(tls));
  listener_ =
      std::make_unique<net::Server>(executor_, *server_, net::ServerOptions{}, log_.named("http"));
  auto port = listener_->listen_tcp(options_.bind_address,
                                    static_cast<std::uint16_t>(options_.secure_port), context);
  if (!port) {
    co_return std::move(port).error().with_context(
        cat("cannot listen on ", options_.bind_address, ":", options_.secure_port));
  }
  log_.info("Serving securely", {kv("address", options_.bind_address), kv("port", *port)});
  co_return Status();
}

async::Task<void> ControlPlane::make_service_account_key() {
  auto make = [directory = pki_directory()] {
    return apiserver::make_service_account_key(directory);
  };
  auto made = co_await async::offload(executor_, pool_, std::move(make));
  failure_ = server_->take_service_account_key(std::move(made));
  if (!failure_.ok()) failed_.set();
}

async::Task<Status> ControlPlane::serve(async::StopToken stop) {
  const bool failed = co_await failed_.wait(std::move(stop));
  co_return failed ? failure_ : Status();
}

async::Task<void> ControlPlane::stop() {
  if (listener_) co_await listener_->stop();
  co_await scope_.join();
  if (server_) co_await server_->stop();
  if (compactor_) co_await compactor_->stop();
  if (store_) co_await store_->close();
}

Result<std::string> ControlPlane::write_kubeconfig() const {
  const std::string path = cat(options_.data_dir, "/admin.conf");
  const std::string text =
      cat("apiVersion: v1\nkind: Config\nclusters:\n- name: kpp\n  cluster:\n    server: ", url(),
          "\n    certificate-authority-data: ", base64_encode(certificates_.ca_certificate_pem),
          "\ncontexts:\n- name: kubernetes-admin@kpp\n  context:\n    cluster: kpp\n    user: "
          "kubernetes-admin\ncurrent-context: "
          "kubernetes-admin@kpp\nusers:\n- name: kubernetes-admin\n  user:\n    "
          "client-certificate-data: ",
          base64_encode(certificates_.admin.certificate_pem),
          "\n    client-key-data: ", base64_encode(certificates_.admin.key_pem), "\n");
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(path, text, 0600));
  return path;
}

}  // namespace kpp::cmd
