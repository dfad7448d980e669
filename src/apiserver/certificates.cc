#include "apiserver/certificates.h"

#include <algorithm>

#include "base/fs.h"

namespace kpp::apiserver {
namespace {

namespace x509 = net::x509;
constexpr auto kCaLife = std::chrono::hours(24 * 365 * 10);
constexpr auto kLeafLife = std::chrono::hours(24 * 365);
constexpr std::string_view kServiceAccountKey = "sa.key";
constexpr auto kRenewBefore = std::chrono::hours(24 * 30);

x509::Validity valid_for(WallTime now, Duration life) {
  return {now - std::chrono::minutes(5), now + life};
}

class Directory {
 public:
  explicit Directory(std::string path) : path_(std::move(path)) {}
  Result<std::string> read(std::string_view name) const {
    return fs::read_file(cat(path_, "/", name), 1u << 20);
  }
  Status write_key(std::string_view name, std::string_view text) const {
    return fs::write_file_atomic(cat(path_, "/", name), text, 0600);
  }
  Status write(std::string_view name, std::string_view text) const {
    return fs::write_file_atomic(cat(path_, "/", name), text, 0644);
  }

 private:
  std::string path_;
};

// A pair of files name.crt and name.key, both or neither.
Result<x509::KeyPair> read_pair(const Directory& dir, const std::string& name) {
  KPP_ASSIGN(std::string certificate, dir.read(name + ".crt"));
  KPP_ASSIGN(std::string key, dir.read(name + ".key"));
  return x509::KeyPair{std::move(certificate), std::move(key)};
}

Status write_pair(const Directory& dir, const std::string& name, const x509::KeyPair& pair) {
  KPP_RETURN_IF_ERROR(dir.write_key(name + ".key", pair.key_pem));
  return dir.write(name + ".crt", pair.certificate_pem);
}

bool covers(const std::vector<std::string>& have, const std::vector<std::string>& want) {
  return std::all_of(want.begin(), want.end(), [&](const auto& w) {
    return std::find(have.begin(), have.end(), w) != have.end();
  });
}

bool still_good(const x509::KeyPair& pair, const x509::Subject& subject, WallTime now) {
  const auto info = x509::read_certificate(pair.certificate_pem);
  return info && info->validity.not_after > now + kRenewBefore &&
         covers(info->subject.dns_names, subject.dns_names) &&
         covers(info->subject.ip_addresses, subject.ip_addresses);
}

Result<x509::KeyPair> ensure_leaf(const Directory& dir, const std::string& name,
                                  const x509::KeyPair& ca, const x509::Subject& subject,
                                  x509::Usage usage, WallTime now) {
  if (auto pair = read_pair(dir, name); pair && still_good(*pair, subject, now)) return pair;
  KPP_ASSIGN(x509::KeyPair made, x509::issue(ca, subject, usage, valid_for(now, kLeafLife)));
  KPP_RETURN_IF_ERROR(write_pair(dir, name, made));
  return made;
}

}  // namespace

Result<Certificates> ensure_certificates(const CertificateOptions& options, WallTime now) {
  KPP_RETURN_IF_ERROR(fs::make_directories(options.directory, 0700));
  const Directory dir(options.directory);
  Certificates out;
  x509::KeyPair ca;
  if (auto have = read_pair(dir, "ca")) {
    ca = std::move(*have);
  } else {
    KPP_ASSIGN(ca, x509::make_ca("kubernetes", valid_for(now, kCaLife)));
    KPP_RETURN_IF_ERROR(write_pair(dir, "ca", ca));
  }
  out.ca_certificate_pem = ca.certificate_pem;
  out.ca_key_pem = ca.key_pem;

  x509::Subject server;
  server.common_name = "kube-apiserver";
  server.dns_names = {"kubernetes", "kubernetes.default", "kubernetes.default.svc",
                      "kubernetes.default.svc.cluster.local", "localhost"};
  server.dns_names.insert(server.dns_names.end(), options.dns_names.begin(),
                          options.dns_names.end());
  server.ip_addresses = options.ip_addresses;
  KPP_ASSIGN(out.server, ensure_leaf(dir, "apiserver", ca, server, {true, false}, now));

  x509::Subject admin;
  admin.common_name = "kubernetes-admin";
  admin.organizations = {"system:masters"};
  KPP_ASSIGN(out.admin, ensure_leaf(dir, "admin", ca, admin, {false, true}, now));

  x509::Subject kubelet_client;
  kubelet_client.common_name = "kube-apiserver-kubelet-client";
  kubelet_client.organizations = {"system:masters"};
  KPP_ASSIGN(out.kubelet_client,
             ensure_leaf(dir, "apiserver-kubelet-client", ca, kubelet_client, {false, true}, now));

  if (!options.node_name.empty()) {
    x509::Subject node;
    node.common_name = cat("system:node:", options.node_name);
    node.organizations = {"system:nodes"};
    node.dns_names = {options.node_name};
    node.ip_addresses = options.node_addresses;
    KPP_ASSIGN(out.kubelet_server, ensure_leaf(dir, "kubelet", ca, node, {true, false}, now));
  }
  if (auto key = dir.read(kServiceAccountKey)) out.service_account_key_pem = std::move(*key);
  return out;
}

Result<std::string> make_service_account_key(const std::string& directory) {
  KPP_ASSIGN(std::string key, x509::make_key(x509::KeyKind::kRsa2048));
  KPP_RETURN_IF_ERROR(Directory(directory).write_key(kServiceAccountKey, key));
  return key;
}

}  // namespace kpp::apiserver
