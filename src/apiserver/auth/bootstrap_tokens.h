// Bootstrap tokens: Secrets of kube-system that a machine without a certificate is known by.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apiserver/auth/user.h"
#include "base/clock.h"
#include "codec/json.h"

namespace kpp::apiserver {

// The Secret that decides about a token of the form abcdef.0123456789abcdef; empty for other texts.
std::string bootstrap_secret_name(std::string_view token);

// The user system:bootstrap:ID in the group system:bootstrappers and those that the Secret names,
// if the Secret is of this token, is for authentication, has not expired and is not being deleted.
// The secret half is compared in constant time.
std::optional<User> user_of_bootstrap_token(std::string_view token, const json::Value& secret,
                                            WallTime now);

}  // namespace kpp::apiserver
