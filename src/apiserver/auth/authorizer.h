// May a user do this? The authorization modes, asked one after the other.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/access.h"
#include "apiserver/auth/node_authorizer.h"
#include "apiserver/auth/rbac.h"
#include "base/status.h"

namespace kpp::apiserver {

enum class AuthorizationMode : std::uint8_t { kNode, kRbac, kAlwaysAllow, kAlwaysDeny };

// The words of --authorization-mode. kInvalid for unknown, repeated and unsupported ones.
Result<std::vector<AuthorizationMode>> parse_authorization_modes(
    std::span<const std::string> words);

// Guarantees: system:masters may do everything; else the first mode that has an opinion decides,
//   and an access that none allows is denied, with the reasons of all.
// Ownership: cache and table outlive it.
// Runs on: the server's executor.
class Authorizer {
 public:
  Authorizer(WatchCache& cache, const ResourceTable& table,
             std::vector<AuthorizationMode> modes = {AuthorizationMode::kNode,
                                                     AuthorizationMode::kRbac});
  Decision authorize(const User& user, const AccessRequest& request) const;

  // What RBAC grants the user in a namespace.
  std::vector<rbacv1::PolicyRule> rules_for(const User& user, std::string_view namespace_) const {
    return rbac_.rules_for(user, namespace_);
  }
  const std::vector<rbacv1::PolicyRule>* rules_of(const rbacv1::RoleRef& role,
                                                  std::string_view namespace_) const {
    return rbac_.rules_of(role, namespace_);
  }
  // The rules that SelfSubjectRulesReview answers.
  struct UserRules {
    std::vector<rbacv1::PolicyRule> rules;
    std::string error;  // why there may be more; empty: there are no more
  };
  UserRules review_rules(const User& user, std::string_view namespace_) const;

 private:
  Decision ask(AuthorizationMode mode, const User& user, const AccessRequest& request) const;

  const std::vector<AuthorizationMode> modes_;
  RbacAuthorizer rbac_;
  NodeAuthorizer node_;
};

}  // namespace kpp::apiserver
