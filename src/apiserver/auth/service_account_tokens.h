// Service account tokens (KEP-1205): JWTs signed RS256 by the cluster's service account key, bound
// to a pod.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/user.h"
#include "async/wait.h"
#include "base/clock.h"
#include "base/status.h"

namespace kpp::apiserver {

struct TokenClaims {
  std::string namespace_, service_account, service_account_uid;
  std::string pod_name, pod_uid;        // empty: not bound to a pod
  std::string node_name, node_uid;      // of the pod's node, or what the token is bound to
  std::string secret_name, secret_uid;  // empty: not bound to a secret
  std::string id;
  std::vector<std::string> audiences;
  WallTime issued_at, not_before, expires;
  std::optional<WallTime>
      warn_after;  // a token that lives longer than it was asked for: from when its use is counted
};

// Runs on: one executor.
class ServiceAccountTokens {
 public:
  static constexpr std::string_view kIssuer = "https://kubernetes.default.svc";

  // key_pem: an RSA private key. `issuer` is also the API server's own audience.
  static Result<std::unique_ptr<ServiceAccountTokens>> make(std::string_view key_pem,
                                                            std::string_view issuer = kIssuer);
  // Without its key, which is still being made (it takes up to half a second): no token is verified
  // meanwhile, for none can have been signed.
  static std::unique_ptr<ServiceAccountTokens> awaiting_key(async::Executor& executor,
                                                            std::string_view issuer = kIssuer);
  ~ServiceAccountTokens();
  ServiceAccountTokens(const ServiceAccountTokens&) = delete;
  ServiceAccountTokens& operator=(const ServiceAccountTokens&) = delete;

  // Of tokens that await it: the key, or why there will be none.
  Status take_key(Result<std::string> key_pem);
  // Waits until sign() and jwks() may be called; an error if the stop came first or there will be
  // no key.
  async::Task<Status> wait_for_key(async::StopToken stop) const;

  std::string sign(const TokenClaims& claims) const;
  // Checks signature, issuer, times and audience (empty: the issuer). kUnauthorized otherwise.
  // Whether the account and the pod still exist is the caller's to check.
  Result<TokenClaims> verify(std::string_view token, WallTime now,
                             std::string_view audience = {}) const;
  // Checks signature, issuer and times, not the audience.
  Result<TokenClaims> claims_of(std::string_view token, WallTime now) const;
  const std::string& issuer() const { return issuer_; }
  // JSON Web Key Set for /openid/v1/jwks.
  std::string jwks() const;
  // User "system:serviceaccount:ns:name" with its groups.
  static User user_of(const TokenClaims& claims);

 private:
  struct Key;
  ServiceAccountTokens(std::unique_ptr<Key> key, std::string_view issuer);
  static Result<std::unique_ptr<Key>> read_key(std::string_view key_pem);
  std::unique_ptr<Key> key_;  // nullptr: still awaited
  const std::string issuer_;
  std::unique_ptr<async::Event> decided_;  // nullptr: the key was there from the beginning
  Status why_none_;
};

}  // namespace kpp::apiserver
