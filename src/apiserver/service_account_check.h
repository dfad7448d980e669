// Whether what a service account token speaks of is still there.
#pragma once

#include "apiserver/auth/service_account_tokens.h"
#include "apiserver/call.h"
#include "base/clock.h"

namespace kpp::apiserver {

// The account, and the pod, secret or node that the token is bound to: each of the UID that the
// token names, and not being deleted for longer than a minute.
bool is_in_force(const TokenClaims& claims, const Core& core, WallTime now);

}  // namespace kpp::apiserver
