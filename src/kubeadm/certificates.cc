#include "kubeadm/certificates.h"

#include <algorithm>

#include "base/fs.h"
#include "linux/links.h"

namespace kpp::kubeadm {
namespace {

namespace x509 = net::x509;

constexpr x509::Usage kServer{true, false};
constexpr x509::Usage kClient{false, true};
constexpr x509::Usage kBoth{true, true};
// Clocks of a cluster's machines differ a little.
constexpr auto kBackdated = std::chrono::minutes(5);

x509::KeyKind key_kind(const ClusterConfig& config) {
  return config.encryption_algorithm == "ECDSA-P256" ? x509::KeyKind::kEcdsaP256
                                                     : x509::KeyKind::kRsa2048;
}

// An extra name is an address or a DNS name.
void add_names(const std::vector<std::string>& extra, x509::Subject& out) {
  for (const std::string& name : extra) {
    const bool address = sys::parse_ipv4_network(name).has_value() || name.contains(':');
    auto& list = address ? out.ip_addresses : out.dns_names;
    if (std::ranges::find(list, name) == list.end()) list.push_back(name);
  }
}

std::string brackets(const std::vector<std::string>& items) {
  return cat("[", join(items, " "), "]");
}

Status check_present(const CertificateKind& kind, const x509::KeyPair& pair,
                     const x509::Subject& wanted, WallTime now, std::string_view directory) {
  KPP_ASSIGN(const x509::CertificateInfo info, x509::read_certificate(pair.certificate_pem));
  if (info.validity.not_after <= now) {
    return {Reason::kInvalid, cat("the certificate ", directory, "/", kind.file,
                                  ".crt has expired; renew it: kubeadm "
                                  "certs renew ",
                                  kind.name)};
  }
  const auto missing = [](const auto& have, const auto& want) -> const std::string* {
    for (const auto& name : want) {
      if (std::ranges::find(have, name) == have.end()) return &name;
    }
    return nullptr;
  };
  const std::string* lacks = missing(info.subject.dns_names, wanted.dns_names);
  if (lacks == nullptr) lacks = missing(info.subject.ip_addresses, wanted.ip_addresses);
  if (lacks != nullptr && !kind.ca.empty()) {
    return {Reason::kInvalid,
            cat("certificate ", kind.file, " is not signed for ", *lacks, "; remove ", directory,
                "/", kind.file, ".crt and .key, then run this again")};
  }
  return {};
}

Status make_one(const CertificateKind& kind, const InitConfig& config, WallTime now,
                const Printer& print) {
  const std::string& directory = config.cluster.certificates_dir;
  KPP_ASSIGN(const x509::Subject subject, subject_of(kind, config));
  const std::string path = cat(directory, "/", kind.file);
  if (fs::exists(path + ".crt")) {
    if (!fs::exists(path + ".key")) {
      if (!kind.ca.empty()) return {Reason::kNotFound, cat(path, ".key is missing")};
      print(cat("[certs] External ", kind.file, " certificate authority is used"));
      return {};
    }
    KPP_ASSIGN(const x509::KeyPair pair, read_pair(directory, kind.file));
    KPP_RETURN_IF_ERROR(check_present(kind, pair, subject, now, directory));
    print(cat("[certs] Using existing ", kind.file,
              kind.ca.empty() ? " certificate authority" : " certificate and key on disk"));
    return {};
  }
  if (kind.ca.empty()) {
    print(cat("[certs] Generating ", quoted(kind.file), " certificate and key"));
    const x509::Validity validity{now - kBackdated, now + config.cluster.ca_validity};
    KPP_ASSIGN(const x509::KeyPair made,
               x509::make_ca(kind.subject, validity, key_kind(config.cluster),
                             {std::string(kind.subject)}));
    return write_pair(directory, kind.file, made);
  }
  auto ca = read_pair(directory, kind.ca);
  if (!ca) {
    return {Reason::kNotFound, cat("the key of the certificate authority ", quoted(kind.ca),
                                   " is not here, so ", path, ".crt cannot be made; bring it")};
  }
  print(cat("[certs] Generating ", quoted(kind.file), " certificate and key"));
  KPP_ASSIGN(const x509::KeyPair made, issue(*ca, subject, kind.usage, config.cluster, now));
  KPP_RETURN_IF_ERROR(write_pair(directory, kind.file, made));
  if (kind.usage.server) {
    print(cat("[certs] ", kind.file, " serving cert is signed for DNS names ",
              brackets(subject.dns_names), " and IPs ", brackets(subject.ip_addresses)));
  }
  return {};
}

Status make_service_account_key(const std::string& directory, const Printer& print) {
  const std::string private_path = cat(directory, "/sa.key");
  if (const auto key = fs::read_file(private_path)) {
    print("[certs] Using the existing \"sa\" key");
    if (fs::exists(cat(directory, "/sa.pub"))) return {};
    KPP_ASSIGN(const std::string text, x509::public_key(*key));
    return fs::write_file_atomic(cat(directory, "/sa.pub"), text, 0600);
  }
  print("[certs] Generating \"sa\" key and public key");
  // Service account tokens are signed with RS256.
  KPP_ASSIGN(const std::string key, x509::make_key(x509::KeyKind::kRsa2048));
  KPP_ASSIGN(const std::string text, x509::public_key(key));
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(private_path, key, 0600));
  return fs::write_file_atomic(cat(directory, "/sa.pub"), text, 0600);
}

}  // namespace

const std::vector<CertificateKind>& certificate_kinds() {
  static const std::vector<CertificateKind> kinds = {
      {"ca", "ca", "", "kubernetes", "", {}},
      {"apiserver", "apiserver", "ca", "kube-apiserver", "", kServer},
      {"apiserver-kubelet-client", "apiserver-kubelet-client", "ca",
       "kube-apiserver-kubelet-client", "kubeadm:cluster-admins", kClient},
      {"front-proxy-ca", "front-proxy-ca", "", "front-proxy-ca", "", {}},
      {"front-proxy-client", "front-proxy-client", "front-proxy-ca", "front-proxy-client", "",
       kClient},
      {"etcd-ca", "etcd/ca", "", "etcd-ca", "", {}},
      {"etcd-server", "etcd/server", "etcd/ca", "", "", kBoth},
      {"etcd-peer", "etcd/peer", "etcd/ca", "", "", kBoth},
      {"etcd-healthcheck-client", "etcd/healthcheck-client", "etcd/ca",
       "kube-etcd-healthcheck-client", "", kClient},
      {"apiserver-etcd-client", "apiserver-etcd-client", "etcd/ca", "kube-apiserver-etcd-client",
       "", kClient},
  };
  return kinds;
}

const CertificateKind* find_certificate_kind(std::string_view name) {
  const auto& kinds = certificate_kinds();
  const auto found = std::ranges::find(kinds, name, &CertificateKind::name);
  return found == kinds.end() ? nullptr : &*found;
}

bool is_etcd(const CertificateKind& kind) {
  return kind.file.starts_with("etcd/") || kind.ca == "etcd/ca";
}

Result<x509::Subject> subject_of(const CertificateKind& kind, const InitConfig& config) {
  x509::Subject out;
  out.common_name = kind.subject.empty() ? config.node.name : std::string(kind.subject);
  if (!kind.organization.empty()) out.organizations = {std::string(kind.organization)};
  const ClusterConfig& cluster = config.cluster;
  if (kind.name == "apiserver") {
    out.dns_names = {config.node.name, "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                     cat("kubernetes.default.svc.", cluster.dns_domain)};
    KPP_ASSIGN(const std::string service, service_address(cluster.service_subnet, 1));
    out.ip_addresses = {service, config.advertise_address};
    if (!cluster.control_plane_endpoint.empty()) {
      const std::string& shared = cluster.control_plane_endpoint;
      add_names({shared.substr(0, shared.find(':'))}, out);
    }
    add_names(cluster.cert_sans, out);
  } else if (kind.usage.server) {
    out.dns_names = {config.node.name, "localhost"};
    out.ip_addresses = {config.advertise_address, "127.0.0.1", "::1"};
    add_names(kind.name == "etcd-peer" ? cluster.etcd_peer_sans : cluster.etcd_server_sans, out);
  } else if (kind.ca.empty()) {
    out.dns_names = {std::string(kind.subject)};
  }
  return out;
}

Status make_certificates(const InitConfig& config, WallTime now, const PhaseChoice& choice,
                         const Printer& print) {
  const std::string& directory = config.cluster.certificates_dir;
  print(cat("[certs] Using certificateDir folder ", quoted(directory)));
  KPP_RETURN_IF_ERROR(fs::make_directories(directory));
  const bool with_etcd = config.cluster.store == StoreKind::kEtcd;
  if (with_etcd) KPP_RETURN_IF_ERROR(fs::make_directories(cat(directory, "/etcd")));
  for (const CertificateKind& kind : certificate_kinds()) {
    if ((is_etcd(kind) && !with_etcd) || !choice.wants(cat("certs/", kind.name))) continue;
    KPP_RETURN_IF_ERROR(make_one(kind, config, now, print));
  }
  return choice.wants("certs/sa") ? make_service_account_key(directory, print) : Status();
}

Result<x509::KeyPair> read_pair(const std::string& directory, std::string_view file) {
  x509::KeyPair out;
  KPP_ASSIGN(out.certificate_pem, fs::read_file(cat(directory, "/", file, ".crt"), 1U << 20));
  KPP_ASSIGN(out.key_pem, fs::read_file(cat(directory, "/", file, ".key"), 1U << 20));
  return out;
}

Status write_pair(const std::string& directory, std::string_view file, const x509::KeyPair& pair) {
  const std::string path = cat(directory, "/", file);
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(path + ".key", pair.key_pem, 0600));
  return fs::write_file_atomic(path + ".crt", pair.certificate_pem, 0644);
}

Result<x509::KeyPair> issue(const x509::KeyPair& ca, const x509::Subject& subject,
                            x509::Usage usage, const ClusterConfig& config, WallTime now) {
  x509::KeyPair out;
  KPP_ASSIGN(out.key_pem, x509::make_key(key_kind(config)));
  const x509::Validity validity{now - kBackdated, now + config.certificate_validity};
  KPP_ASSIGN(out.certificate_pem, x509::sign(ca, out.key_pem, subject, usage, validity));
  return out;
}

Result<x509::KeyPair> renew(const x509::KeyPair& present, const x509::KeyPair& ca,
                            const ClusterConfig& config, WallTime now) {
  KPP_ASSIGN(const x509::CertificateInfo info, x509::read_certificate(present.certificate_pem));
  return issue(ca, info.subject, info.usage, config, now);
}

}  // namespace kpp::kubeadm
