#include "controllers/certificates/csr_signer.h"

#include <algorithm>

namespace kpp::controllers {
namespace {

constexpr auto kBackDate = std::chrono::minutes(5);
constexpr auto kShortest = std::chrono::minutes(10);

}  // namespace

const net::x509::KeyPair* SigningOptions::ca_of(const std::string& signer) const {
  const auto it = by_signer.find(signer);
  if (it != by_signer.end()) return &it->second;
  return ca.key_pem.empty() ? nullptr : &ca;
}

CsrSigner::CsrSigner(ControllerContext context, SigningOptions options)
    : Controller(context, "certificatesigningrequest-signing-controller", "csrsigning"),
      options_(std::move(options)),
      requests_(watch_keys<Csr>()) {}

async::Task<Status> CsrSigner::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto csr = requests_.get(key);
  if (!csr || !csr->status.certificate.empty() || !has_condition(*csr, "Approved") ||
      has_condition(*csr, "Denied") || has_condition(*csr, "Failed") ||
      !is_own_signer(csr->spec.signer_name)) {
    co_return Status();
  }
  const auto* ca = options_.ca_of(csr->spec.signer_name);
  if (!ca) co_return Status();
  const auto subject = net::x509::read_request(csr->spec.request);
  if (!subject) {
    co_return Status(subject.error())
        .with_context(cat("unable to parse csr ", quoted(csr->metadata.name)));
  }
  Csr next = *csr;
  if (const Status taken = check_request(*csr, *subject); !taken.ok()) {
    auto& condition = next.status.conditions.emplace_back();
    condition.type = "Failed";
    condition.status = "True";
    condition.reason = "SignerValidationFailure";
    condition.message = taken.message();
    condition.last_update_time = api::Time::from(now());
  } else {
    auto signed_pem = sign(*csr, *ca);
    if (!signed_pem) co_return std::move(signed_pem).error();
    next.status.certificate = std::move(*signed_pem);
  }
  auto written = co_await client().update_status<Csr>(std::move(next), stop);
  if (!written) co_return std::move(written).error();
  co_return Status();
}

Result<std::string> CsrSigner::sign(const Csr& csr, const net::x509::KeyPair& ca) const {
  KPP_ASSIGN(const auto issuer, net::x509::read_certificate(ca.certificate_pem));
  auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(options_.duration);
  if (csr.spec.expiration_seconds) {
    const auto asked = std::chrono::seconds(*csr.spec.expiration_seconds);
    lifetime = std::clamp<std::chrono::seconds>(asked, kShortest, lifetime);
  }
  const WallTime time = now();
  const net::x509::Validity validity{
      time - kBackDate, std::min<WallTime>(time - kBackDate + lifetime, issuer.validity.not_after)};
  return net::x509::sign_request(ca, csr.spec.request, usage_of(csr), validity);
}

}  // namespace kpp::controllers
