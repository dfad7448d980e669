#include "kubeadm/cluster_info.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "client/kubeconfig.h"
#include "codec/base64.h"
#include "codec/yaml.h"
#include "kubeadm/tokens.h"
#include "net/x509.h"

namespace kpp::kubeadm {
namespace {

std::string hmac_sha256(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return text;
}

Status check_hash(const std::string& ca_pem, const std::vector<std::string>& hashes) {
  if (hashes.empty()) return {};
  KPP_ASSIGN(const std::string hash, net::x509::public_key_hash(ca_pem));
  for (const std::string& pinned : hashes) {
    if (lower(pinned) == cat("sha256:", hash)) return {};
  }
  return {Reason::kInvalid,
          cat("cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "
              "\"sha256:",
              hash,
              "\" are pinned; take the hash from the join command that "
              "`kubeadm token create --print-join-command` prints on the control plane")};
}

}  // namespace

std::string sign_detached(std::string_view payload, std::string_view token) {
  const std::string header =
      base64_url_encode(cat(R"({"alg":"HS256","kid":)", quoted(token_id(token)), "}"));
  const std::string signature =
      hmac_sha256(token_secret(token), cat(header, ".", base64_url_encode(payload)));
  return cat(header, "..", base64_url_encode(signature));
}

bool verify_detached(std::string_view signature, std::string_view payload, std::string_view token) {
  const std::size_t dots = signature.find("..");
  if (dots == std::string_view::npos) return false;
  const std::string_view header = signature.substr(0, dots);
  const auto given = base64_url_decode(signature.substr(dots + 2));
  const auto head = base64_url_decode(header);
  if (!given || !head) return false;
  const auto fields = json::parse(*head);
  if (!fields || json::text_at(*fields, "alg") != "HS256") return false;
  const std::string wanted =
      hmac_sha256(token_secret(token), cat(header, ".", base64_url_encode(payload)));
  return given->size() == wanted.size() &&
         CRYPTO_memcmp(given->data(), wanted.data(), wanted.size()) == 0;
}

Result<ClusterInfo> read_cluster_info(const json::Value& config_map, const std::string& token,
                                      const std::vector<std::string>& ca_hashes) {
  const std::string_view payload = json::text_at(config_map, "data.kubeconfig");
  if (payload.empty()) {
    return fail(Reason::kInvalid, "there is no kubeconfig in the cluster-info ConfigMap");
  }
  const std::string id(token_id(token));
  const std::string_view signature = json::text_at(config_map, cat("data.jws-kubeconfig-", id));
  if (signature.empty()) {
    return fail(Reason::kNotFound,
                cat("could not find a JWS signature in the cluster-info ConfigMap for token ID ",
                    quoted(id),
                    ": the token does not exist or has expired; make one on the control "
                    "plane: kubeadm token create --print-join-command"));
  }
  if (!verify_detached(signature, payload, token)) {
    return fail(Reason::kUnauthorized,
                cat("failed to verify JWS signature of received cluster info object: the token ",
                    quoted(id), " has another secret, or this is not the cluster it is for"));
  }
  KPP_ASSIGN(const client::Kubeconfig config, client::parse_kubeconfig(payload, "/nonexistent"));
  if (config.clusters.size() != 1 || config.clusters[0].ca_pem.empty()) {
    return fail(Reason::kInvalid, "the kubeconfig in the cluster-info ConfigMap names no CA");
  }
  KPP_RETURN_IF_ERROR(check_hash(config.clusters[0].ca_pem, ca_hashes));
  return ClusterInfo{config.clusters[0].server, config.clusters[0].ca_pem};
}

json::Object cluster_info_document(const std::string& server, const std::string& ca_pem) {
  const json::Object kubeconfig{
      {"apiVersion", "v1"},
      {"clusters", json::Array{json::Object{{"cluster", json::Object{{"certificate-authority-data",
                                                                      base64_encode(ca_pem)},
                                                                     {"server", server}}},
                                            {"name", ""}}}},
      {"contexts", nullptr},
      {"current-context", ""},
      {"kind", "Config"},
      {"users", nullptr}};
  return {{"apiVersion", "v1"},
          {"data", json::Object{{"kubeconfig", yaml::write(kubeconfig)}}},
          {"kind", "ConfigMap"},
          {"metadata", json::Object{{"name", "cluster-info"}, {"namespace", "kube-public"}}}};
}

}  // namespace kpp::kubeadm
