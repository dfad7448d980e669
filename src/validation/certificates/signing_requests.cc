// CertificateSigningRequests.
#include <algorithm>
#include <array>
#include <set>

#include "codec/base64.h"
#include "net/x509.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/signer_names.h"

namespace kpp::validation {
namespace {

using certificatesv1::CertificateSigningRequest;

constexpr std::array<std::string_view, 23> kUsages = {"any",
                                                      "cert sign",
                                                      "client auth",
                                                      "code signing",
                                                      "content commitment",
                                                      "crl sign",
                                                      "data encipherment",
                                                      "decipher only",
                                                      "digital signature",
                                                      "email protection",
                                                      "encipher only",
                                                      "ipsec end system",
                                                      "ipsec tunnel",
                                                      "ipsec user",
                                                      "key agreement",
                                                      "key encipherment",
                                                      "microsoft sgc",
                                                      "netscape sgc",
                                                      "ocsp signing",
                                                      "s/mime",
                                                      "server auth",
                                                      "signing",
                                                      "timestamping"};
constexpr std::string_view kLegacySigner = "kubernetes.io/legacy-unknown";
constexpr std::int32_t kShortestSeconds = 600;

// Names of requests are anything that a path can hold; the path has taken care of that.
Messages any_name(std::string_view, bool) { return {}; }

std::string request_problem(const std::string& pem) {
  if (pem.find("-----BEGIN CERTIFICATE REQUEST-----") == std::string::npos) {
    return "PEM block type must be CERTIFICATE REQUEST";
  }
  const auto request = net::x509::read_request(pem);
  return request ? std::string() : request.error().message();
}

void check_usages(FieldErrors& errors, const FieldPath& at,
                  const std::vector<std::string>& usages) {
  if (usages.empty()) errors.required(at);
  for (std::size_t i = 0; i < usages.size(); ++i) {
    if (std::find(kUsages.begin(), kUsages.end(), usages[i]) == kUsages.end()) {
      errors.not_supported(at.index(i), usages[i], kUsages);
    }
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < usages.size(); ++i) {
    if (!seen.insert(usages[i]).second) errors.duplicate(at.index(i), usages[i]);
  }
}

bool must_be_true(std::string_view type) {
  return type == "Approved" || type == "Denied" || type == "Failed";
}

void check_conditions(FieldErrors& errors, const FieldPath& at,
                      const CertificateSigningRequest& request) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < request.status.conditions.size(); ++i) {
    const auto& condition = request.status.conditions[i];
    const FieldPath type = at.index(i).child("type");
    const FieldPath status = at.index(i).child("status");
    if (condition.type.empty()) errors.required(type);
    if (condition.status.empty()) {
      errors.required(status);
    } else if (must_be_true(condition.type)) {
      if (condition.status != "True") errors.not_supported(status, condition.status, {"True"});
    } else if (condition.status != "True" && condition.status != "False" &&
               condition.status != "Unknown") {
      errors.not_supported(status, condition.status, {"False", "True", "Unknown"});
    }
    const bool first = seen.insert(condition.type).second;
    const bool decision = condition.type == "Approved" || condition.type == "Denied";
    if (decision && seen.contains("Approved") && seen.contains("Denied")) {
      errors.invalid(at, condition.type, "Approved and Denied conditions are mutually exclusive");
    }
    if (!first) errors.duplicate(type, condition.type);
  }
}

// What is wrong with an issued certificate: PEM blocks of certificates and nothing else.
std::string certificate_problem(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  std::size_t blocks = 0;
  for (auto at = pem.find(kBegin); at != std::string_view::npos; at = pem.find(kBegin, at + 1)) {
    const auto from = at + kBegin.size();
    const auto end = pem.find("-----", from);
    const std::string_view type =
        pem.substr(from, end == std::string_view::npos ? end : end - from);
    if (type != "CERTIFICATE")
      return cat("only CERTIFICATE PEM blocks are allowed, found ", quoted(type));
    ++blocks;
  }
  return blocks == 0 ? "must contain at least one CERTIFICATE PEM block" : "";
}

std::size_t count_of(const CertificateSigningRequest& request, std::string_view type) {
  const auto& list = request.status.conditions;
  return static_cast<std::size_t>(
      std::count_if(list.begin(), list.end(), [&](const auto& c) { return c.type == type; }));
}

}  // namespace

void validate(FieldErrors& errors, const CertificateSigningRequest& request, const Context&) {
  check_metadata(errors, request.metadata, false, any_name);
  const FieldPath at("spec");
  const auto& spec = request.spec;
  if (const std::string problem = request_problem(spec.request); !problem.empty()) {
    errors.invalid(at.child("request"),
                   spec.request.empty() ? Value(nullptr) : Value(base64_encode(spec.request)),
                   problem);
  }
  check_usages(errors, at.child("usages"), spec.usages);
  if (spec.signer_name == kLegacySigner) {
    errors.invalid(at.child("signerName"), spec.signer_name,
                   "the legacy signerName is not allowed via this API version");
  } else {
    check_signer_name(errors, at.child("signerName"), spec.signer_name);
  }
  if (spec.expiration_seconds && *spec.expiration_seconds < kShortestSeconds) {
    errors.invalid(at.child("expirationSeconds"), *spec.expiration_seconds,
                   "may not specify a duration less than 600 seconds (10 minutes)");
  }
  check_conditions(errors, FieldPath("status").child("conditions"), request);
  if (request.status.certificate.empty()) return;
  if (const std::string problem = certificate_problem(request.status.certificate);
      !problem.empty()) {
    errors.invalid(FieldPath("status").child("certificate"), "<certificate data>", problem);
  }
}

void validate_change(FieldErrors& errors, const CertificateSigningRequest& request,
                     const CertificateSigningRequest& old, const Context& context) {
  validate(errors, request, context);
  const FieldPath conditions = FieldPath("status").child("conditions");
  for (const std::string_view type : {"Approved", "Denied", "Failed"}) {
    if (count_of(request, type) < count_of(old, type)) {
      errors.forbidden(conditions,
                       cat("updates may not remove a condition of type ", quoted(type)));
    }
  }
  if (context.subresource != "approval") {
    for (const std::string_view type : {"Approved", "Denied"}) {
      if (count_of(request, type) > count_of(old, type)) {
        errors.forbidden(conditions, cat("updates may not add a condition of type ", quoted(type)));
      }
    }
  }
  if (request.status.certificate != old.status.certificate) {
    const FieldPath certificate = FieldPath("status").child("certificate");
    if (!context.is_status) {
      errors.forbidden(certificate, "updates may not set certificate content");
    } else if (!old.status.certificate.empty()) {
      errors.forbidden(certificate, "updates may not modify existing certificate content");
    }
  }
  check_metadata_update(errors, request.metadata, old.metadata);
}

}  // namespace kpp::validation
