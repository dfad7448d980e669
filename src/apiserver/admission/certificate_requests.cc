#include <algorithm>

#include "api/certificatesv1.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/auth/authorizer.h"
#include "net/x509.h"

// Who approves and signs certificate requests needs the right to do so for the signer; nobody asks
// for a client certificate of the administrators' group.

namespace kpp::apiserver {
namespace {

using certificatesv1::CertificateSigningRequest;

constexpr std::string_view kGroup = "certificates.k8s.io";
constexpr std::string_view kClientSigner = "kubernetes.io/kube-apiserver-client";

bool is_request(const AdmissionRequest& request, std::string_view subresource) {
  return request.resource->group == kGroup &&
         request.resource->name() == "certificatesigningrequests" &&
         request.subresource == subresource;
}

// For the signer itself, or for all of its domain.
bool may_for_signer(const Lookup& lookup, const User& user, std::string_view verb,
                    const std::string& signer) {
  AccessRequest access;
  access.verb = verb;
  access.group = kGroup;
  access.version = "*";
  access.resource = "signers";
  access.name = signer;
  if (lookup.authorizer()->authorize(user, access).allowed()) return true;
  access.name = cat(signer.substr(0, signer.find('/')), "/*");
  return lookup.authorizer()->authorize(user, access).allowed();
}

Status check_signer(const CertificateSigningRequest& csr, std::string_view verb,
                    const AdmissionRequest& request, const Lookup& lookup) {
  if (lookup.authorizer() == nullptr || request.user == nullptr ||
      may_for_signer(lookup, *request.user, verb, csr.spec.signer_name))
    return {};
  return refused(request, cat("user not permitted to ", verb, " requests with signerName ",
                              quoted(csr.spec.signer_name)));
}

Status check_approval(const api::Object& object, const AdmissionRequest& request,
                      const Lookup& lookup) {
  if (request.operation != Operation::kUpdate || !is_request(request, "approval")) return {};
  const auto* csr = object.as<CertificateSigningRequest>();
  return csr == nullptr ? Status() : check_signer(*csr, "approve", request, lookup);
}

Status check_signing(const api::Object& object, const AdmissionRequest& request,
                     const Lookup& lookup) {
  if (request.operation != Operation::kUpdate || !is_request(request, "status")) return {};
  const auto* csr = object.as<CertificateSigningRequest>();
  const auto* old = request.old_object->as<CertificateSigningRequest>();
  if (csr == nullptr || old == nullptr) return {};
  const auto& now = csr->status;
  const auto& before = old->status;
  const bool same = now.certificate == before.certificate &&
                    std::equal(now.conditions.begin(), now.conditions.end(),
                               before.conditions.begin(), before.conditions.end(),
                               [](const auto& a, const auto& b) { return api::equal(a, b); });
  return same ? Status() : check_signer(*old, "sign", request, lookup);
}

Status check_subject(const api::Object& object, const AdmissionRequest& request, const Lookup&) {
  if (request.operation != Operation::kCreate || !is_request(request, "")) return {};
  const auto* csr = object.as<CertificateSigningRequest>();
  if (csr == nullptr || csr->spec.signer_name != kClientSigner) return {};
  const auto subject = net::x509::read_request(csr->spec.request);
  if (!subject) return refused(request, cat("failed to parse CSR: ", subject.error().message()));
  const auto& groups = subject->organizations;
  if (std::find(groups.begin(), groups.end(), kGroupMasters) == groups.end()) return {};
  return refused(request, cat("use of ", kClientSigner, " signer with ", kGroupMasters,
                              " group is not allowed"));
}

}  // namespace

Plugin certificate_approval_plugin() {
  return {"CertificateApproval", nullptr, check_approval, nullptr};
}
Plugin certificate_signing_plugin() {
  return {"CertificateSigning", nullptr, check_signing, nullptr};
}
Plugin certificate_subject_plugin() {
  return {"CertificateSubjectRestriction", nullptr, check_subject, nullptr};
}

}  // namespace kpp::apiserver
