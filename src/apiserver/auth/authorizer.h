// May a user do this? RBAC over the cached roles and bindings, with system:masters allowed
// everything.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/rbacv1.h"
#include "apiserver/auth/user.h"
#include "apiserver/request_info.h"

namespace kpp::apiserver {

class WatchCache;
class ResourceTable;

struct AccessRequest {
  std::string verb, namespace_, group, version, resource, subresource, name;
  std::string path;  // for requests that are not about a resource
  bool is_resource = true;
};

struct Decision {
  bool allowed = false;
  std::string reason;
};

// Guarantees: follows Roles, ClusterRoles and their bindings as the watch cache sees them.
// Runs on: the server's executor.
class Authorizer {
 public:
  struct Index;
  Authorizer(WatchCache& cache, const ResourceTable& table);
  Decision authorize(const User& user, const AccessRequest& request) const;
  // All rules that apply to the user in a namespace (SelfSubjectRulesReview, escalation checks).
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

// "User \"x\" cannot list resource \"pods\" in API group \"\" in the namespace \"ns\"".
std::string forbidden_message(const User& user, const AccessRequest& request);

}  // namespace kpp::apiserver
