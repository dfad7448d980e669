// Acting as somebody else: the Impersonate-* headers.
#pragma once

#include "apiserver/auth/authorizer.h"
#include "apiserver/auth/user.h"
#include "base/status.h"
#include "net/http.h"

namespace kpp::apiserver {

// The user that the request acts as: `real` itself where it asks for nobody else. kForbidden unless
// `real` may impersonate everything that is asked for, either in general (verb impersonate) or for
// this access (KEP-5284); kBadRequest for headers that name no user.
Result<User> impersonate(const Authorizer& authorizer, const User& real,
                         const net::Headers& headers, const AccessRequest& access);

// Whether the headers name somebody to act as.
bool asks_to_impersonate(const net::Headers& headers);

// The answer to an access that was denied; `reason` is the decision's, and may be empty.
Status forbidden_to(const User& user, const AccessRequest& access, std::string_view reason);

}  // namespace kpp::apiserver
