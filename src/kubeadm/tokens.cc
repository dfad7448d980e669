#include "kubeadm/tokens.h"

#include <algorithm>

#include "api/time_text.h"
#include "base/ids.h"
#include "codec/base64.h"
#include "kubeadm/table_text.h"

namespace kpp::kubeadm {
namespace {

constexpr std::size_t kIdSize = 6;
constexpr std::size_t kSecretSize = 16;
constexpr std::string_view kUsagePrefix = "usage-bootstrap-";

bool all_of_alphabet(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// Evenly spread: bytes over the last multiple of the alphabet's size are dropped.
std::string random_text(std::size_t size) {
  static constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
  constexpr unsigned kUsable = 256 / kAlphabet.size() * kAlphabet.size();
  std::string out;
  while (out.size() < size) {
    for (const char c : random_bytes(static_cast<int>(size))) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < kUsable && out.size() < size) out += kAlphabet[byte % kAlphabet.size()];
    }
  }
  return out;
}

std::string data_at(const json::Value& secret, std::string_view key) {
  const json::Value* const data = json::find(secret, "data");
  if (data == nullptr || !data->is_object()) return {};
  const json::Value* const value = data->get_object().if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return base64_decode(value->get_string()).value_or("");
}

// The largest unit alone, as the original shortens durations: 23h, 59m, 10s.
std::string short_duration(std::chrono::seconds left) {
  const auto seconds = left.count();
  if (seconds < 1) return "<invalid>";
  if (seconds < 120) return cat(seconds, "s");
  if (seconds < 7200) return cat(seconds / 60, "m");
  if (seconds < 48 * 3600) return cat(seconds / 3600, "h");
  return cat(seconds / 86400, "d");
}

}  // namespace

std::string generate_token() { return cat(random_text(kIdSize), ".", random_text(kSecretSize)); }

Status check_token(std::string_view token) {
  const bool good = token.size() == kIdSize + 1 + kSecretSize && token[kIdSize] == '.' &&
                    all_of_alphabet(token_id(token)) && all_of_alphabet(token_secret(token));
  if (good) return {};
  return {Reason::kInvalid, cat("the bootstrap token ", quoted(token),
                                " was not of the form \"\\A([a-z0-9]{6})\\.([a-z0-9]{16})\\z\"")};
}

std::string_view token_id(std::string_view token) { return token.substr(0, kIdSize); }

std::string_view token_secret(std::string_view token) {
  return token.size() > kIdSize ? token.substr(kIdSize + 1) : std::string_view();
}

json::Object token_secret_document(const BootstrapToken& token, WallTime now) {
  json::Object data{{"token-id", base64_encode(token_id(token.token))},
                    {"token-secret", base64_encode(token_secret(token.token))}};
  if (!token.description.empty()) data["description"] = base64_encode(token.description);
  if (token.ttl.count() > 0) {
    data["expiration"] = base64_encode(rfc3339(now + token.ttl));
  }
  for (const std::string& usage : token.usages) {
    data[cat(kUsagePrefix, usage)] = base64_encode("true");
  }
  if (!token.groups.empty()) data["auth-extra-groups"] = base64_encode(join(token.groups, ","));
  return {{"apiVersion", "v1"},
          {"data", std::move(data)},
          {"kind", "Secret"},
          {"metadata", json::Object{{"name", cat("bootstrap-token-", token_id(token.token))},
                                    {"namespace", "kube-system"}}},
          {"type", "bootstrap.kubernetes.io/token"}};
}

Result<ListedToken> read_token_secret(const json::Value& secret, WallTime now) {
  ListedToken out;
  out.token = cat(data_at(secret, "token-id"), ".", data_at(secret, "token-secret"));
  KPP_RETURN_IF_ERROR(check_token(out.token));
  const std::string name(json::text_at(secret, "metadata.name"));
  if (name != cat("bootstrap-token-", token_id(out.token))) {
    return fail(Reason::kInvalid, cat("bootstrap token name is not of the form "
                                      "'bootstrap-token-{token-id}'. Actual: ",
                                      quoted(name)));
  }
  out.ttl = "<forever>";
  out.expires = "<never>";
  if (const std::string expiration = data_at(secret, "expiration"); !expiration.empty()) {
    const auto when = api::parse_time(expiration);
    if (!when) {
      return fail(Reason::kInvalid, cat("can't parse expiration time of bootstrap token ",
                                        quoted(token_id(out.token))));
    }
    out.expires = expiration;
    out.ttl =
        short_duration(std::chrono::seconds(when->seconds) -
                       std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()));
  }
  std::vector<std::string> usages;
  for (const char* usage : {"authentication", "signing"}) {
    if (data_at(secret, cat(kUsagePrefix, usage)) == "true") usages.emplace_back(usage);
  }
  out.usages = usages.empty() ? "<none>" : join(usages, ",");
  out.description = data_at(secret, "description");
  if (out.description.empty()) out.description = "<none>";
  out.groups = data_at(secret, "auth-extra-groups");
  if (out.groups.empty()) out.groups = "<none>";
  return out;
}

std::string token_table(const std::vector<ListedToken>& tokens) {
  std::vector<std::vector<std::string>> rows = {
      {"TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"}};
  for (const ListedToken& token : tokens) {
    rows.push_back(
        {token.token, token.ttl, token.expires, token.usages, token.description, token.groups});
  }
  return table_text(rows);
}

}  // namespace kpp::kubeadm
