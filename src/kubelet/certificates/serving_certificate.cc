#include "kubelet/certificates/serving_certificate.h"

#include "base/fs.h"

namespace kpp::kubelet {
namespace {
constexpr std::size_t kLargestFile = 1u << 20;
}

Result<net::x509::KeyPair> own_serving_certificate(const std::string& directory,
                                                   const std::string& host, WallTime now) {
  const std::string certificate = cat(directory, "/kubelet.crt");
  const std::string key = cat(directory, "/kubelet.key");
  net::x509::KeyPair out;
  if (fs::exists(certificate) && fs::exists(key)) {
    KPP_ASSIGN(out.certificate_pem, fs::read_file(certificate, kLargestFile));
    KPP_ASSIGN(out.key_pem, fs::read_file(key, kLargestFile));
    return out;
  }
  const net::x509::Validity validity{now - std::chrono::hours(1),
                                     now + std::chrono::hours(24 * 365)};
  const auto made = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  KPP_ASSIGN(const auto ca, net::x509::make_ca(cat(host, "-ca@", made.count()), validity,
                                               net::x509::KeyKind::kRsa2048));
  net::x509::Subject subject;
  subject.common_name = cat(host, "@", made.count());
  subject.dns_names = {host};
  KPP_ASSIGN(out, net::x509::issue(ca, subject, {.server = true, .client = false}, validity));
  out.certificate_pem += ca.certificate_pem;
  KPP_RETURN_IF_ERROR(fs::make_directories(directory));
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(certificate, out.certificate_pem));
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(key, out.key_pem, 0600));
  return out;
}

}  // namespace kpp::kubelet
