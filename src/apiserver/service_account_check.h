// A service account token lives no longer than what it is bound to.
#pragma once

#include "apiserver/auth/user.h"
#include "apiserver/call.h"
#include "base/status.h"

namespace kpp::apiserver {

// kUnauthorized if the user is a service account that is gone (or another of the name), or its
// token's pod is. The claims are in the user's extra fields, as the authenticator puts them there.
Status check_service_account(const User& user, const Core& core);

}  // namespace kpp::apiserver
