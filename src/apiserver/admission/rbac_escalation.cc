#include <algorithm>
#include <set>

#include "api/rbacv1.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/auth/rule_cover.h"
#include "apiserver/errors.h"

// Nobody grants rights that they do not have: a role's rules, or those of the role that a binding
// points to, must be covered by the rules of whoever writes it, unless they may "escalate" the role
// or "bind" to it.

namespace kpp::apiserver {
namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";
using Rules = std::vector<rbacv1::PolicyRule>;

std::string list_text(std::string_view name, const std::vector<std::string>& items) {
  std::string out = cat(name, ":[");
  for (std::size_t i = 0; i < items.size(); ++i) out += cat(i > 0 ? " " : "", quoted(items[i]));
  return out + "]";
}

std::string rule_text(const rbacv1::PolicyRule& rule) {
  std::vector<std::string> parts;
  if (!rule.api_groups.empty()) parts.push_back(list_text("APIGroups", rule.api_groups));
  if (!rule.resources.empty()) parts.push_back(list_text("Resources", rule.resources));
  if (!rule.non_resource_urls.empty())
    parts.push_back(list_text("NonResourceURLs", rule.non_resource_urls));
  if (!rule.resource_names.empty())
    parts.push_back(list_text("ResourceNames", rule.resource_names));
  if (!rule.verbs.empty()) parts.push_back(list_text("Verbs", rule.verbs));
  return cat("{", join(parts, ", "), "}");
}

// What is not covered, with the verbs on one resource together, sorted.
std::set<std::string> missing_rights(const Rules& owned, const Rules& wanted) {
  Rules missing;
  for (auto& part : missing_rules(owned, wanted)) {
    auto same = std::find_if(missing.begin(), missing.end(), [&](const auto& other) {
      return other.non_resource_urls.empty() && part.non_resource_urls.empty() &&
             other.api_groups == part.api_groups && other.resources == part.resources &&
             other.resource_names == part.resource_names;
    });
    if (same == missing.end()) {
      missing.push_back(std::move(part));
    } else {
      same->verbs.push_back(part.verbs[0]);
    }
  }
  std::set<std::string> out;
  for (const auto& rule : missing) out.insert(rule_text(rule));
  return out;
}

bool may(const Lookup& lookup, const AdmissionRequest& request, std::string verb,
         std::string_view resource, std::string_view name) {
  AccessRequest access;
  access.verb = std::move(verb);
  access.group = kGroup;
  access.version = "v1";
  access.resource = resource;
  access.name = name;
  access.namespace_ = request.namespace_;
  return lookup.authorizer()->authorize(*request.user, access).allowed();
}

Status check_rules(const Rules& wanted, const AdmissionRequest& request, const Lookup& lookup) {
  const auto missing =
      missing_rights(lookup.authorizer()->rules_for(*request.user, request.namespace_), wanted);
  if (missing.empty()) return {};
  std::string groups = "[";
  for (const auto& group : request.user->groups)
    groups += cat(groups.size() > 1 ? " " : "", quoted(group));
  return refused(request, cat("user ", quoted(request.user->name), " (groups=", groups,
                              "]) is attempting to grant RBAC permissions not currently held:\n",
                              join(missing, "\n")));
}

template <class Role>
Status check_role(const Role& role, const AdmissionRequest& request, const Lookup& lookup) {
  if (may(lookup, request, "escalate", request.resource->name(), request.name)) return {};
  if (request.old_object != nullptr) {
    const auto* old = request.old_object->as<Role>();
    const bool same = old != nullptr && old->rules.size() == role.rules.size() &&
                      std::equal(old->rules.begin(), old->rules.end(), role.rules.begin(),
                                 [](const auto& a, const auto& b) { return api::equal(a, b); });
    if (same) return {};
  }
  return check_rules(role.rules, request, lookup);
}

template <class Binding>
Status check_binding(const Binding& binding, const AdmissionRequest& request,
                     const Lookup& lookup) {
  const std::string_view resource = binding.role_ref.kind == "Role" ? "roles" : "clusterroles";
  if (may(lookup, request, "bind", resource, binding.role_ref.name)) return {};
  const Rules* rules = lookup.authorizer()->rules_of(binding.role_ref, request.namespace_);
  if (rules == nullptr) return not_found(kGroup, request.resource->name(), binding.role_ref.name);
  return check_rules(*rules, request, lookup);
}

Status admit(api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (request.resource->group != kGroup || lookup.authorizer() == nullptr ||
      request.user == nullptr)
    return {};
  if (request.operation != Operation::kCreate && request.operation != Operation::kUpdate) return {};
  if (request.user->in_group(kGroupMasters)) return {};
  if (const auto* role = object.as<rbacv1::Role>()) return check_role(*role, request, lookup);
  if (const auto* role = object.as<rbacv1::ClusterRole>())
    return check_role(*role, request, lookup);
  if (const auto* binding = object.as<rbacv1::RoleBinding>())
    return check_binding(*binding, request, lookup);
  if (const auto* binding = object.as<rbacv1::ClusterRoleBinding>())
    return check_binding(*binding, request, lookup);
  return {};
}

}  // namespace

Plugin rbac_escalation_plugin() { return {"RBACEscalation", admit, nullptr, nullptr}; }

}  // namespace kpp::apiserver
