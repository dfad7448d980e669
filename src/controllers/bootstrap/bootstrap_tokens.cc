#include "controllers/bootstrap/bootstrap_tokens.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "api/time_text.h"
#include "base/cat.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace kpp::controllers {
namespace {

std::string field(const corev1::Secret& secret, const char* name) {
  const auto it = secret.data.find(name);
  return it == secret.data.end() ? std::string() : it->second;
}

}  // namespace

std::optional<WallTime> token_expiry(const corev1::Secret& secret) {
  const std::string text = field(secret, "expiration");
  if (text.empty()) return std::nullopt;
  const auto parsed = api::parse_time(text);
  return parsed ? parsed->wall() : WallTime();
}

std::optional<SigningToken> signing_token(const corev1::Secret& secret, WallTime now) {
  SigningToken out{field(secret, "token-id"), field(secret, "token-secret")};
  if (secret.type != kBootstrapTokenType || out.id.empty() || out.secret.empty()) return {};
  if (secret.metadata.name != "bootstrap-token-" + out.id) return {};
  const auto end = token_expiry(secret);
  if (end && *end <= now) return {};
  if (field(secret, "usage-bootstrap-signing") != "true") return {};
  return out;
}

std::string detached_signature(std::string_view content, const SigningToken& token) {
  const std::string header =
      base64_url_encode(json::write(json::Object{{"alg", "HS256"}, {"kid", token.id}}));
  const std::string text = cat(header, ".", base64_url_encode(content));
  // The secret half alone is the key; the id is only named in the header.
  const std::string& key = token.secret;
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return cat(header, "..",
             base64_url_encode(std::string_view(reinterpret_cast<const char*>(mac), size)));
}

}  // namespace kpp::controllers
