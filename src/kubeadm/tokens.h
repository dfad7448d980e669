// Bootstrap tokens: what a machine shows that has no certificate yet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "codec/json.h"
#include "kubeadm/config.h"

namespace kpp::kubeadm {

// A new token: six and sixteen characters of [a-z0-9].
std::string generate_token();
// kInvalid unless the text has the form of a token.
Status check_token(std::string_view token);
std::string_view token_id(std::string_view token);
std::string_view token_secret(std::string_view token);

// The Secret bootstrap-token-ID of kube-system that makes the API server take the token.
json::Object token_secret_document(const BootstrapToken& token, WallTime now);

// A token as `kubeadm token list` shows it.
struct ListedToken {
  std::string token;
  std::string ttl;      // 23h, <forever>, <invalid>
  std::string expires;  // 2026-11-26T10:00:00Z; empty: never
  std::vector<std::string> usages, groups;
  std::string description;
};
// From a Secret of type bootstrap.kubernetes.io/token; kInvalid says what is wrong with it.
Result<ListedToken> read_token_secret(const json::Value& secret, WallTime now);
enum class TokenFormat { kText, kJson, kYaml };
// The table, or a document for each token.
std::string tokens_text(const std::vector<ListedToken>& tokens, TokenFormat format);

}  // namespace kpp::kubeadm
