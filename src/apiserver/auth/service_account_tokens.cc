#include "apiserver/auth/service_account_tokens.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/ids.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

constexpr std::size_t kLongestToken = 16384;
constexpr std::string_view kSubjectPrefix = "system:serviceaccount:";

struct Free {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
};
template <class T>
using Handle = std::unique_ptr<T, Free>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string big_number(EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
  const Handle<BIGNUM> number(raw);
  std::string out(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

std::int64_t unix_seconds(WallTime t) {
  return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}
WallTime from_unix(std::int64_t seconds) {
  // Beyond what a nanosecond clock can say, the end of its range stands for it.
  constexpr std::int64_t kLast = 9'000'000'000;
  return WallTime(std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kLast)));
}

Status bad_token() { return Status(Reason::kUnauthorized, "invalid bearer token"); }

json::Object named(const std::string& name, const std::string& uid) {
  json::Object out;
  out["name"] = name;
  out["uid"] = uid;
  return out;
}

}  // namespace

struct ServiceAccountTokens::Key {
  Handle<EVP_PKEY> pkey;
  std::string id;
  std::string header;  // of the JWTs, encoded
};

ServiceAccountTokens::ServiceAccountTokens(std::unique_ptr<Key> key, std::string_view issuer)
    : key_(std::move(key)), issuer_(issuer) {}
ServiceAccountTokens::~ServiceAccountTokens() = default;

Result<std::unique_ptr<ServiceAccountTokens>> ServiceAccountTokens::make(std::string_view key_pem,
                                                                         std::string_view issuer) {
  KPP_ASSIGN(auto key, read_key(key_pem));
  return std::unique_ptr<ServiceAccountTokens>(new ServiceAccountTokens(std::move(key), issuer));
}

std::unique_ptr<ServiceAccountTokens> ServiceAccountTokens::awaiting_key(async::Executor& executor,
                                                                         std::string_view issuer) {
  std::unique_ptr<ServiceAccountTokens> out(new ServiceAccountTokens(nullptr, issuer));
  out->decided_ = std::make_unique<async::Event>(executor);
  return out;
}

Status ServiceAccountTokens::take_key(Result<std::string> key_pem) {
  Status read = key_pem ? Status() : std::move(key_pem).error();
  if (read.ok()) {
    auto key = read_key(*key_pem);
    if (key) {
      key_ = std::move(*key);
    } else {
      read = std::move(key).error();
    }
  }
  why_none_ = read;
  if (decided_) decided_->set();
  return read;
}

async::Task<Status> ServiceAccountTokens::wait_for_key(async::StopToken stop) const {
  if (key_) co_return Status();
  const bool decided = co_await decided_->wait(std::move(stop));
  if (!decided) co_return Status(Reason::kCanceled, "stopped while the key was being made");
  co_return why_none_;
}

Result<std::unique_ptr<ServiceAccountTokens::Key>> ServiceAccountTokens::read_key(
    std::string_view key_pem) {
  const Handle<BIO> bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  auto key = std::make_unique<Key>();
  if (bio) key->pkey.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key->pkey)
    return fail(Reason::kInvalid, "service account key: not a private key in PEM form");
  if (EVP_PKEY_get_base_id(key->pkey.get()) != EVP_PKEY_RSA) {
    return fail(Reason::kInvalid, "service account key: not an RSA key");
  }
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(key->pkey.get(), &der);
  if (length <= 0)
    return fail(Reason::kInternalError, "service account key: its public half cannot be encoded");
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(der, static_cast<std::size_t>(length), digest);
  OPENSSL_free(der);
  key->id =
      base64_url_encode(std::string_view(reinterpret_cast<const char*>(digest), sizeof digest));
  key->header = base64_url_encode(cat(R"({"alg":"RS256","kid":")", key->id, "\"}"));
  return key;
}

std::string ServiceAccountTokens::sign(const TokenClaims& claims) const {
  json::Array audiences;
  for (const auto& audience : claims.audiences) audiences.emplace_back(audience);
  json::Object bound;
  bound["namespace"] = claims.namespace_;
  if (!claims.node_name.empty()) bound["node"] = named(claims.node_name, claims.node_uid);
  if (!claims.pod_name.empty()) bound["pod"] = named(claims.pod_name, claims.pod_uid);
  if (!claims.secret_name.empty()) bound["secret"] = named(claims.secret_name, claims.secret_uid);
  bound["serviceaccount"] = named(claims.service_account, claims.service_account_uid);
  if (claims.warn_after) bound["warnafter"] = unix_seconds(*claims.warn_after);
  json::Object body;
  body["aud"] = std::move(audiences);
  body["exp"] = unix_seconds(claims.expires);
  body["iat"] = unix_seconds(claims.issued_at);
  body["iss"] = issuer_;
  body["jti"] = claims.id;
  body["kubernetes.io"] = std::move(bound);
  body["nbf"] = unix_seconds(claims.not_before);
  body["sub"] = cat(kSubjectPrefix, claims.namespace_, ":", claims.service_account);
  const std::string text =
      cat(key_->header, ".", base64_url_encode(json::write(json::Value(std::move(body)))));
  const Handle<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes(text), text.size()) != 1) {
    return {};
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes(text), text.size()) != 1) {
    return {};
  }
  signature.resize(size);
  return cat(text, ".", base64_url_encode(signature));
}

Result<TokenClaims> ServiceAccountTokens::claims_of(std::string_view token, WallTime now) const {
  if (!key_ || token.size() > kLongestToken) return fail(bad_token());
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  if (first == std::string_view::npos || first == last) return fail(bad_token());
  const auto header = base64_url_decode(token.substr(0, first));
  const auto body = base64_url_decode(token.substr(first + 1, last - first - 1));
  const auto signature = base64_url_decode(token.substr(last + 1));
  if (!header || !body || !signature) return fail(bad_token());
  const auto head = json::parse(*header);
  if (!head || json::text_at(*head, "alg") != "RS256") return fail(bad_token());
  const std::string_view signed_text = token.substr(0, last);
  const Handle<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (!context ||
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) != 1 ||
      EVP_DigestVerify(context.get(), bytes(*signature), signature->size(), bytes(signed_text),
                       signed_text.size()) != 1) {
    return fail(bad_token());
  }
  const auto claims = json::parse(*body);
  if (!claims || !claims->is_object() || json::text_at(*claims, "iss") != issuer_)
    return fail(bad_token());
  TokenClaims out;
  out.id = json::text_at(*claims, "jti");
  out.expires = from_unix(json::int_at(*claims, "exp"));
  out.issued_at = from_unix(json::int_at(*claims, "iat"));
  out.not_before = from_unix(json::int_at(*claims, "nbf"));
  if (now >= out.expires || now + std::chrono::minutes(1) < out.not_before)
    return fail(bad_token());
  if (const auto* audiences = claims->as_object().if_contains("aud")) {
    if (const auto* one = audiences->if_string()) out.audiences.emplace_back(*one);
    if (const auto* list = audiences->if_array()) {
      for (const auto& item : *list) {
        if (const auto* text = item.if_string()) out.audiences.emplace_back(*text);
      }
    }
  }
  // The name of this claim has a dot, so it is no path.
  const auto* bound = claims->as_object().if_contains("kubernetes.io");
  if (bound == nullptr || !bound->is_object()) return fail(bad_token());
  out.namespace_ = json::text_at(*bound, "namespace");
  out.service_account = json::text_at(*bound, "serviceaccount.name");
  out.service_account_uid = json::text_at(*bound, "serviceaccount.uid");
  out.pod_name = json::text_at(*bound, "pod.name");
  out.pod_uid = json::text_at(*bound, "pod.uid");
  out.node_name = json::text_at(*bound, "node.name");
  out.node_uid = json::text_at(*bound, "node.uid");
  out.secret_name = json::text_at(*bound, "secret.name");
  out.secret_uid = json::text_at(*bound, "secret.uid");
  if (const auto warn = json::int_at(*bound, "warnafter"); warn > 0)
    out.warn_after = from_unix(warn);
  if (json::text_at(*claims, "sub") !=
      cat(kSubjectPrefix, out.namespace_, ":", out.service_account)) {
    return fail(bad_token());
  }
  return out;
}

Result<TokenClaims> ServiceAccountTokens::verify(std::string_view token, WallTime now,
                                                 std::string_view audience) const {
  KPP_ASSIGN(TokenClaims out, claims_of(token, now));
  const std::string_view wanted = audience.empty() ? std::string_view(issuer_) : audience;
  if (std::find(out.audiences.begin(), out.audiences.end(), wanted) == out.audiences.end())
    return fail(bad_token());
  return out;
}

std::string ServiceAccountTokens::jwks() const {
  return cat(R"({"keys":[{"use":"sig","kty":"RSA","kid":")", key_->id, R"(","alg":"RS256","n":")",
             base64_url_encode(big_number(key_->pkey.get(), OSSL_PKEY_PARAM_RSA_N)), R"(","e":")",
             base64_url_encode(big_number(key_->pkey.get(), OSSL_PKEY_PARAM_RSA_E)), "\"}]}");
}

User ServiceAccountTokens::user_of(const TokenClaims& claims) {
  User out;
  out.name = cat(kSubjectPrefix, claims.namespace_, ":", claims.service_account);
  out.uid = claims.service_account_uid;
  out.groups = {"system:serviceaccounts", cat("system:serviceaccounts:", claims.namespace_)};
  const auto extra = [&](std::string_view key, std::string value) {
    out.extra[cat("authentication.kubernetes.io/", key)] = {std::move(value)};
  };
  if (!claims.id.empty()) extra("credential-id", cat("JTI=", claims.id));
  if (!claims.pod_name.empty()) {
    extra("pod-name", claims.pod_name);
    extra("pod-uid", claims.pod_uid);
  }
  if (!claims.node_name.empty()) {
    extra("node-name", claims.node_name);
    extra("node-uid", claims.node_uid);
  }
  return out;
}

}  // namespace kpp::apiserver
