#include "controllers/certificates/signers.h"

#include <algorithm>
#include <set>

namespace kpp::controllers {
namespace {

using Usages = std::set<std::string>;

Usages usages(const Csr& csr) { return {csr.spec.usages.begin(), csr.spec.usages.end()}; }

Status invalid(std::string_view message) { return Status(Reason::kInvalid, std::string(message)); }

Status check_node_subject(const net::x509::Subject& subject) {
  if (subject.organizations != std::vector<std::string>{"system:nodes"})
    return invalid("subject organization is not system:nodes");
  if (!subject.common_name.starts_with("system:node:"))
    return invalid("subject common name does not begin with system:node:");
  return Status();
}

Status check_kubelet_client(const Csr& csr, const net::x509::Subject& subject) {
  KPP_RETURN_IF_ERROR(check_node_subject(subject));
  if (!subject.dns_names.empty()) return invalid("DNS subjectAltNames are not allowed");
  if (!subject.ip_addresses.empty()) return invalid("IP subjectAltNames are not allowed");
  const Usages have = usages(csr);
  if (have != Usages{"digital signature", "client auth"} &&
      have != Usages{"key encipherment", "digital signature", "client auth"}) {
    return invalid("usages did not match [client auth digital signature]");
  }
  return Status();
}

Status check_kubelet_serving(const Csr& csr, const net::x509::Subject& subject) {
  KPP_RETURN_IF_ERROR(check_node_subject(subject));
  if (subject.dns_names.empty() && subject.ip_addresses.empty())
    return invalid("DNS or IP subjectAltName is required");
  const Usages have = usages(csr);
  if (have != Usages{"digital signature", "server auth"} &&
      have != Usages{"key encipherment", "digital signature", "server auth"}) {
    return invalid("usages did not match [digital signature server auth]");
  }
  return Status();
}

}  // namespace

bool has_condition(const Csr& csr, std::string_view type) {
  const auto& all = csr.status.conditions;
  return std::any_of(all.begin(), all.end(), [&](const auto& c) { return c.type == type; });
}

bool is_own_signer(const std::string& signer) {
  return signer == kKubeletClientSigner || signer == kKubeletServingSigner ||
         signer == kClientSigner || signer == kLegacySigner;
}

Status check_request(const Csr& csr, const net::x509::Subject& subject) {
  const auto& signer = csr.spec.signer_name;
  if (signer == kKubeletClientSigner) return check_kubelet_client(csr, subject);
  if (signer == kKubeletServingSigner) return check_kubelet_serving(csr, subject);
  if (signer == kClientSigner) {
    const Usages allowed = {"client auth", "digital signature", "key encipherment"};
    const Usages have = usages(csr);
    if (!have.contains("client auth")) return invalid("missing required usage: client auth");
    if (!std::includes(allowed.begin(), allowed.end(), have.begin(), have.end()))
      return invalid("usages beyond client auth, digital signature and key encipherment");
  }
  return Status();
}

bool is_node_client(const Csr& csr, const net::x509::Subject& subject) {
  return csr.spec.signer_name == kKubeletClientSigner && check_kubelet_client(csr, subject).ok();
}

net::x509::Usage usage_of(const Csr& csr) {
  const Usages have = usages(csr);
  return {.server = have.contains("server auth"), .client = have.contains("client auth")};
}

}  // namespace kpp::controllers
