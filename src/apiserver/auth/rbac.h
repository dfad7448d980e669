// The authorization mode RBAC: roles and bindings as the watch cache has them.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "api/rbacv1.h"
#include "apiserver/auth/access.h"

namespace kpp::apiserver {

class WatchCache;
class ResourceTable;

// Whether one of the rules covers the access.
bool rules_allow(const std::vector<rbacv1::PolicyRule>& rules, const AccessRequest& request);

// Guarantees: follows Roles, ClusterRoles and their bindings as the watch cache sees them.
// Runs on: the server's executor.
class RbacAuthorizer {
 public:
  struct Index;
  RbacAuthorizer(WatchCache& cache, const ResourceTable& table);
  Decision authorize(const User& user, const AccessRequest& request) const;
  // All rules that apply to the user in a namespace.
  std::vector<rbacv1::PolicyRule> rules_for(const User& user, std::string_view namespace_) const;
  // The rules of the role that a binding in a namespace (empty: a cluster role binding) points to;
  // nullptr: no such role.
  const std::vector<rbacv1::PolicyRule>* rules_of(const rbacv1::RoleRef& role,
                                                  std::string_view namespace_) const;

 private:
  void rebuild() const;
  const Index& index() const;

  WatchCache& cache_;
  const ResourceTable& table_;
  std::shared_ptr<bool> stale_;  // set by the cache's listeners
  mutable std::shared_ptr<const Index>
      index_;  // rebuilt when a role or binding changed; shared with nobody else
};

}  // namespace kpp::apiserver
