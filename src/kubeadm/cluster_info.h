// The ConfigMap cluster-info in kube-public: where the cluster is and which CA it has, signed with
// a bootstrap token so that a machine that knows only the token can trust it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/json.h"

namespace kpp::kubeadm {

// The detached JWS (HS256, the payload left out) of a text under a token.
std::string sign_detached(std::string_view payload, std::string_view token);
// Constant time in the signature.
bool verify_detached(std::string_view signature, std::string_view payload, std::string_view token);

// What a joining machine learns.
struct ClusterInfo {
  std::string server;  // https://host:port
  std::string ca_pem;
};

// The ConfigMap's kubeconfig, once its signature was checked with the token and its CA against the
// pinned hashes ("sha256:...", of the public key; none: not checked). Errors say which of the three
// is wrong: kNotFound (no signature for this token: it does not exist or has expired),
// kUnauthorized (the signature is wrong), kInvalid (another CA, or no kubeconfig).
Result<ClusterInfo> read_cluster_info(const json::Value& config_map, const std::string& token,
                                      const std::vector<std::string>& ca_hashes);

// The ConfigMap, before the bootstrap signer has signed it.
json::Object cluster_info_document(const std::string& server, const std::string& ca_pem);

}  // namespace kpp::kubeadm
