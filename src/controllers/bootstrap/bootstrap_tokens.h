// Bootstrap tokens as Secrets of kube-system.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/corev1.h"
#include "base/clock.h"

namespace kpp::controllers {

inline constexpr const char* kBootstrapTokenType = "bootstrap.kubernetes.io/token";

// When the token ends; nothing if it never does. One whose date is no date has ended.
std::optional<WallTime> token_expiry(const corev1::Secret& secret);
struct SigningToken {
  std::string id, secret;
};
// The token, if it is whole, lives, and may sign.
std::optional<SigningToken> signing_token(const corev1::Secret& secret, WallTime now);
// A JWS (HS256) of the content by the token, without the content: "header..signature".
std::string detached_signature(std::string_view content, const SigningToken& token);

}  // namespace kpp::controllers
