#include "apiserver/auth/bootstrap_tokens.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "api/time_text.h"
#include "codec/base64.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kGroupBootstrappers = "system:bootstrappers";
constexpr std::size_t kIdSize = 6;
constexpr std::size_t kTokenSize = kIdSize + 1 + 16;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

std::string data_at(const json::Value& secret, std::string_view key) {
  const json::Value* const data = json::find(secret, "data");
  if (data == nullptr || !data->is_object()) return {};
  const json::Value* const value = data->get_object().if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return base64_decode(value->get_string()).value_or("");
}

bool has_expired(const std::string& expiration, WallTime now) {
  if (expiration.empty()) return false;
  const auto when = api::parse_time(expiration);
  // One that cannot be read counts as over.
  return !when || WallTime(std::chrono::seconds(when->seconds)) <= now;
}

// Groups of the form system:bootstrappers:x; one of another form makes the whole token worthless.
bool add_groups(std::string_view text, User& user) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view group = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view rest =
        group.starts_with(kGroupBootstrappers) ? group.substr(kGroupBootstrappers.size()) : "";
    const bool good = rest.size() > 1 && rest[0] == ':' && is_lower_or_digit(rest.back()) &&
                      std::ranges::all_of(rest, [](char c) {
                        return is_lower_or_digit(c) || c == ':' || c == '-';
                      });
    if (!good) return false;
    user.groups.emplace_back(group);
  }
  return true;
}

}  // namespace

std::string bootstrap_secret_name(std::string_view token) {
  if (token.size() != kTokenSize || token[kIdSize] != '.') return {};
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (i != kIdSize && !is_lower_or_digit(token[i])) return {};
  }
  return cat("bootstrap-token-", token.substr(0, kIdSize));
}

std::optional<User> user_of_bootstrap_token(std::string_view token, const json::Value& secret,
                                            WallTime now) {
  if (bootstrap_secret_name(token).empty()) return std::nullopt;
  const std::string_view id = token.substr(0, kIdSize);
  const std::string_view given = token.substr(kIdSize + 1);
  const std::string known = data_at(secret, "token-secret");
  const bool same =
      known.size() == given.size() && CRYPTO_memcmp(known.data(), given.data(), given.size()) == 0;
  if (!same || data_at(secret, "token-id") != id ||
      json::text_at(secret, "type") != "bootstrap.kubernetes.io/token" ||
      !json::text_at(secret, "metadata.deletionTimestamp").empty() ||
      has_expired(data_at(secret, "expiration"), now) ||
      data_at(secret, "usage-bootstrap-authentication") != "true") {
    return std::nullopt;
  }
  User user;
  user.name = cat("system:bootstrap:", id);
  user.groups = {std::string(kGroupBootstrappers)};
  if (!add_groups(data_at(secret, "auth-extra-groups"), user)) return std::nullopt;
  return user;
}

}  // namespace kpp::apiserver
