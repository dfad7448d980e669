#include "kubeadm/tokens.h"

#include <algorithm>

#include "api/time_text.h"
#include "base/ids.h"
#include "codec/base64.h"
#include "codec/yaml.h"
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
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 60) return cat(seconds, "s");
  if (seconds < 3600) return cat(seconds / 60, "m");
  if (seconds < 86400) return cat(seconds / 3600, "h");
  if (seconds < 365 * 86400) return cat(seconds / 86400, "d");
  return cat(seconds / (365 * 86400), "y");
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

json::Object document_of(const ListedToken& token) {
  const auto texts = [](const std::vector<std::string>& list) {
    json::Array out;
    for (const std::string& text : list) out.emplace_back(text);
    return out;
  };
  json::Object out{{"kind", "BootstrapToken"},
                   {"apiVersion", "output.kubeadm.k8s.io/v1alpha3"},
                   {"token", token.token}};
  if (!token.description.empty()) out["description"] = token.description;
  if (!token.expires.empty()) out["expires"] = token.expires;
  if (!token.usages.empty()) out["usages"] = texts(token.usages);
  if (!token.groups.empty()) out["groups"] = texts(token.groups);
  return out;
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
  if (const std::string expiration = data_at(secret, "expiration"); !expiration.empty()) {
    const auto when = api::parse_time(expiration);
    if (!when) {
      return fail(Reason::kInvalid, cat("can't parse expiration time of bootstrap token ",
                                        quoted(token_id(out.token))));
    }
    out.expires = expiration;
    // What is left is less than the whole seconds say: a token of 24h has 23h a moment later.
    out.ttl = short_duration(std::chrono::floor<std::chrono::seconds>(
        WallTime(std::chrono::seconds(when->seconds)) - now));
  }
  for (const char* usage : {"authentication", "signing"}) {
    if (data_at(secret, cat(kUsagePrefix, usage)) == "true") out.usages.emplace_back(usage);
  }
  out.description = data_at(secret, "description");
  out.groups = split_list(data_at(secret, "auth-extra-groups"));
  return out;
}

std::string tokens_text(const std::vector<ListedToken>& tokens, TokenFormat format) {
  if (format != TokenFormat::kText) {
    std::vector<std::string> documents;
    for (const ListedToken& token : tokens) {
      const json::Value document(document_of(token));
      documents.push_back(format == TokenFormat::kYaml ? yaml::write(document)
                                                       : cat(json::write_pretty(document), "\n"));
    }
    return join(documents, format == TokenFormat::kYaml ? "---\n" : "");
  }
  const auto none = [](std::string text) { return text.empty() ? "<none>" : std::move(text); };
  std::vector<std::vector<std::string>> rows = {
      {"TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"}};
  for (const ListedToken& token : tokens) {
    rows.push_back({token.token, token.ttl, token.expires.empty() ? "<never>" : token.expires,
                    none(join(token.usages, ",")), none(token.description),
                    none(join(token.groups, ","))});
  }
  return table_text(rows);
}

}  // namespace kpp::kubeadm
