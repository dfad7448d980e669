// The signers of kubernetes.io: what each takes and what its certificates are good for.
#pragma once

#include <optional>
#include <string>

#include "api/certificatesv1.h"
#include "base/status.h"
#include "net/x509.h"

namespace kpp::controllers {

inline constexpr const char* kKubeletClientSigner = "kubernetes.io/kube-apiserver-client-kubelet";
inline constexpr const char* kKubeletServingSigner = "kubernetes.io/kubelet-serving";
inline constexpr const char* kClientSigner = "kubernetes.io/kube-apiserver-client";
inline constexpr const char* kLegacySigner = "kubernetes.io/legacy-unknown";

using Csr = certificatesv1::CertificateSigningRequest;

bool has_condition(const Csr& csr, std::string_view type);
bool is_own_signer(const std::string& signer);
// Whether the signer takes the request; else kInvalid with the original's words.
Status check_request(const Csr& csr, const net::x509::Subject& subject);
// A certificate that node `subject` may ask for, as its client of the API server.
bool is_node_client(const Csr& csr, const net::x509::Subject& subject);
net::x509::Usage usage_of(const Csr& csr);

}  // namespace kpp::controllers
