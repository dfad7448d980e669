#include "kubeadm/certificate_commands.h"

#include <algorithm>
#include <ctime>

#include "base/fs.h"
#include "base/ids.h"
#include "client/kubeconfig.h"
#include "kubeadm/certificates.h"
#include "kubeadm/kubeconfigs.h"
#include "kubeadm/table_text.h"

namespace kpp::kubeadm {
namespace {

namespace x509 = net::x509;

// "Nov 25, 2027 16:20 UTC".
std::string date_text(WallTime time) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%b %d, %Y %H:%M UTC", &parts);
  return {text, size};
}

// Years, days, hours, minutes or seconds: the largest unit alone.
std::string residual_text(WallTime until, WallTime now) {
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(until - now).count();
  if (left <= 0) return "<invalid>";
  if (left >= 365 * 86400) return cat(left / (365 * 86400), "y");
  if (left >= 86400) return cat(left / 86400, "d");
  if (left >= 3600) return cat(left / 3600, "h");
  if (left >= 60) return cat(left / 60, "m");
  return cat(left, "s");
}

Result<x509::CertificateInfo> read_info(const std::string& path) {
  KPP_ASSIGN(const std::string pem, fs::read_file(path, 1U << 20));
  return x509::read_certificate(pem);
}

// The certificate of the user inside a kubeconfig; the file's place of it is kept.
Result<client::KubeUser> user_of(const std::string& path) {
  KPP_ASSIGN(const client::Kubeconfig config, client::load_kubeconfig(path));
  if (config.users.empty() || config.users[0].certificate_pem.empty()) {
    return fail(Reason::kNotFound, cat(path, " holds no certificate"));
  }
  return config.users[0];
}

std::string command_name(std::string_view file) {
  std::string out(file);
  std::ranges::replace(out, '/', '-');
  return out;
}

Status renew_pair(const CertificateKind& kind, const ClusterConfig& config, WallTime now) {
  const std::string& directory = config.certificates_dir;
  KPP_ASSIGN(const x509::KeyPair present, read_pair(directory, kind.file));
  KPP_ASSIGN(const x509::KeyPair ca, read_pair(directory, kind.ca));
  KPP_ASSIGN(const x509::KeyPair made, renew(present, ca, config, now));
  return write_pair(directory, kind.file, made);
}

Status renew_kubeconfig(const std::string& path, const ClusterConfig& config, WallTime now) {
  KPP_ASSIGN(client::Kubeconfig file, client::load_kubeconfig(path));
  KPP_ASSIGN(const client::KubeUser user, user_of(path));
  KPP_ASSIGN(const x509::KeyPair ca, read_pair(config.certificates_dir, "ca"));
  KPP_ASSIGN(const x509::KeyPair made,
             renew({user.certificate_pem, user.key_pem}, ca, config, now));
  file.users[0].certificate_pem = made.certificate_pem;
  file.users[0].key_pem = made.key_pem;
  return fs::write_file_atomic(path, client::write_kubeconfig(file), 0600);
}

// kubelet.conf is the kubelet's own to renew.
bool is_renewed_here(const KubeconfigKind& kind) { return kind.file != "kubelet.conf"; }

}  // namespace

Result<std::string> expiration_tables(const std::string& certificates_dir,
                                      const std::string& kubernetes_dir, WallTime now) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::vector<std::string>> authorities;
  const auto row = [&](std::string name, const Result<x509::CertificateInfo>& info,
                       std::string ca) -> std::vector<std::string> {
    if (!info) return {cat("!MISSING! ", name), "", "", std::move(ca), ""};
    return {std::move(name), date_text(info->validity.not_after),
            residual_text(info->validity.not_after, now), std::move(ca), "no"};
  };
  for (const KubeconfigKind& kind : kubeconfig_kinds()) {
    if (!is_renewed_here(kind)) continue;
    const auto user = user_of(cat(kubernetes_dir, "/", kind.file));
    rows.push_back(row(std::string(kind.file),
                       user ? x509::read_certificate(user->certificate_pem)
                            : Result<x509::CertificateInfo>(std::unexpected(user.error())),
                       "ca"));
  }
  const bool with_etcd = fs::exists(cat(certificates_dir, "/etcd/ca.crt"));
  for (const CertificateKind& kind : certificate_kinds()) {
    if (is_etcd(kind) && !with_etcd) continue;
    auto cells =
        row(std::string(kind.name), read_info(cat(certificates_dir, "/", kind.file, ".crt")),
            command_name(kind.ca));
    if (kind.ca.empty()) {
      cells.erase(cells.begin() + 3);
      authorities.push_back(std::move(cells));
    } else {
      rows.push_back(std::move(cells));
    }
  }
  std::ranges::sort(rows);
  std::ranges::sort(authorities);
  rows.insert(rows.begin(), {"CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY",
                             "EXTERNALLY MANAGED"});
  authorities.insert(authorities.begin(),
                     {"CERTIFICATE AUTHORITY", "EXPIRES", "RESIDUAL TIME", "EXTERNALLY MANAGED"});
  return cat(table_text(rows), "\n", table_text(authorities));
}

Status renew_certificates(std::string_view name, const ClusterConfig& config,
                          const std::string& kubernetes_dir, WallTime now, const Printer& print) {
  bool found = false;
  for (const KubeconfigKind& kind : kubeconfig_kinds()) {
    if (!is_renewed_here(kind) || (name != "all" && name != kind.file)) continue;
    found = true;
    KPP_RETURN_IF_ERROR(renew_kubeconfig(cat(kubernetes_dir, "/", kind.file), config, now));
    print(cat("certificate embedded in the kubeconfig file ", kind.file, " renewed"));
  }
  for (const CertificateKind& kind : certificate_kinds()) {
    if (kind.ca.empty() || (name != "all" && name != kind.name)) continue;
    if (name == "all" && !fs::exists(cat(config.certificates_dir, "/", kind.file, ".crt")))
      continue;
    found = true;
    KPP_RETURN_IF_ERROR(renew_pair(kind, config, now));
    print(cat("certificate ", kind.name, " renewed"));
  }
  if (!found) {
    return {Reason::kNotFound, cat(quoted(name), " is no certificate that kubeadm renews")};
  }
  print("");
  print(
      "Done renewing certificates. You must restart the kube-apiserver, kube-controller-manager, "
      "kube-scheduler and etcd, so that they can use the new certificates.");
  return {};
}

std::string new_certificate_key() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : random_bytes(32)) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

}  // namespace kpp::kubeadm
