// Finds out who sends a request: a proxy's headers, client certificate, bearer token (static file,
// service account JWT; in a header or among the protocols of a WebSocket), anonymous.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "apiserver/auth/request_headers.h"
#include "apiserver/auth/service_account_tokens.h"
#include "apiserver/auth/user.h"
#include "base/clock.h"
#include "base/status.h"
#include "net/http.h"

namespace kpp::apiserver {

struct AuthenticatorOptions {
  std::string token_auth_file;  // CSV: token,user,uid,"group1,group2"; read once
  bool anonymous = true;
  RequestHeaderOptions request_headers;
};

// A token that was looked at on somebody's behalf.
struct ReviewedToken {
  User user;
  std::vector<std::string> audiences;
};

// Guarantees: tokens are compared in constant time; a wrong token is refused even where anonymous
// requests are allowed.
class Authenticator {
 public:
  // `tokens` may be nullptr: no service account tokens. It must outlive this.
  static Result<std::unique_ptr<Authenticator>> make(AuthenticatorOptions options,
                                                     const ServiceAccountTokens* tokens);

  // The user with system:authenticated (or system:unauthenticated) among the groups; kUnauthorized
  // otherwise. Credentials are taken out of the request once they were believed.
  Result<User> authenticate(net::Request& request, WallTime now) const;
  // The user of a bearer token alone, for the API server's own audience.
  std::optional<User> user_of_token(std::string_view token, WallTime now) const;
  // What TokenReview answers: the user, and which of the audiences (none: the API server's) the
  // token is good for. kUnauthorized with the text for status.error otherwise.
  Result<ReviewedToken> review(std::string_view token, const std::vector<std::string>& audiences,
                               WallTime now) const;
  // Adds a token in memory, e.g. the one that kpp makes for its own components.
  void add_token(std::string token, User user);
  // Asked about each service account token whose signature is good: whether what it speaks of is
  // still there.
  using ClaimsCheck = std::function<bool(const TokenClaims& claims, WallTime now)>;
  void set_claims_check(ClaimsCheck check) { claims_check_ = std::move(check); }
  // A further kind of token, asked about what nobody else knows.
  using TokenSource = std::function<std::optional<User>(std::string_view token, WallTime now)>;
  void add_source(TokenSource source);

 private:
  explicit Authenticator(AuthenticatorOptions options, const ServiceAccountTokens* tokens)
      : options_(std::move(options)), tokens_(tokens) {}

  bool is_in_force(const TokenClaims& claims, WallTime now) const {
    return !claims_check_ || claims_check_(claims, now);
  }
  const User* static_user(std::string_view token) const;
  std::optional<User> user_of_sources(std::string_view token, WallTime now) const;

  AuthenticatorOptions options_;
  const ServiceAccountTokens* tokens_;
  ClaimsCheck claims_check_;  // empty: all are in force
  std::vector<std::pair<std::string, User>> static_tokens_;
  std::vector<TokenSource> sources_;
};

}  // namespace kpp::apiserver
