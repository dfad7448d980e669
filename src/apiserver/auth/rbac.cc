#include "apiserver/auth/rbac.h"

#include <algorithm>
#include <map>

#include "api/json_codec.h"
#include "apiserver/resources.h"
#include "apiserver/watch_cache.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";
constexpr std::string_view kAccountPrefix = "system:serviceaccount:";

bool has(const std::vector<std::string>& list, std::string_view word) {
  for (const auto& item : list) {
    if (item == word) return true;
  }
  return false;
}
bool has_or_all(const std::vector<std::string>& list, std::string_view word) {
  return has(list, "*") || has(list, word);
}

bool resource_matches(const rbacv1::PolicyRule& rule, const AccessRequest& request) {
  const std::string whole = request.subresource.empty()
                                ? request.resource
                                : cat(request.resource, "/", request.subresource);
  for (const auto& resource : rule.resources) {
    if (resource == "*" || resource == whole) return true;
    if (!request.subresource.empty() && resource.starts_with("*/") &&
        std::string_view(resource).substr(2) == request.subresource) {
      return true;
    }
  }
  return false;
}

bool path_matches(const rbacv1::PolicyRule& rule, std::string_view path) {
  for (const std::string_view pattern : rule.non_resource_urls) {
    if (pattern == "*" || pattern == path) return true;
    if (pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.size() - 1)))
      return true;
  }
  return false;
}

bool allows(const rbacv1::PolicyRule& rule, const AccessRequest& request) {
  if (!has_or_all(rule.verbs, request.verb)) return false;
  if (!request.is_resource) return path_matches(rule, request.path);
  return has_or_all(rule.api_groups, request.group) && resource_matches(rule, request) &&
         (rule.resource_names.empty() || has(rule.resource_names, request.name));
}

bool applies(const rbacv1::Subject& subject, const User& user, std::string_view binding_namespace) {
  if (subject.kind == "User") return subject.name == user.name;
  if (subject.kind == "Group") return user.in_group(subject.name);
  if (subject.kind != "ServiceAccount") return false;
  const std::string_view ns =
      subject.namespace_.empty() ? binding_namespace : std::string_view(subject.namespace_);
  // system:serviceaccount:NAMESPACE:NAME, without making that text for each subject there is.
  std::string_view rest = user.name;
  if (ns.empty() || !rest.starts_with(kAccountPrefix)) return false;
  rest.remove_prefix(kAccountPrefix.size());
  return rest.size() == ns.size() + 1 + subject.name.size() && rest.starts_with(ns) &&
         rest[ns.size()] == ':' && rest.ends_with(subject.name);
}

std::string describe(const rbacv1::Subject& subject, std::string_view binding_namespace) {
  if (subject.kind != "ServiceAccount") return cat(subject.kind, " ", quoted(subject.name));
  const std::string_view ns =
      subject.namespace_.empty() ? binding_namespace : std::string_view(subject.namespace_);
  return cat(subject.kind, " ", quoted(cat(subject.name, "/", ns)));
}

// What a role or binding object says, and the version of the object that it was read from.
template <class T>
struct Parsed {
  CachedRef source;
  std::shared_ptr<const T> object;
};
template <class T>
using ParsedMap = std::map<std::string, Parsed<T>, std::less<>>;

// Reads all objects of a resource again, but for those that are still the same.
template <class T>
ParsedMap<T> parse_all(const WatchCache& cache, const ResourceTable& table,
                       std::string_view resource, const ParsedMap<T>& before) {
  ParsedMap<T> out;
  const ServedResource* served = table.find(kGroup, "v1", resource);
  if (served == nullptr) return out;
  for (const auto& [key, cached] : cache.cache(*served).objects()) {
    std::string name =
        cached->namespace_.empty() ? cached->name : cat(cached->namespace_, "/", cached->name);
    if (const auto it = before.find(name); it != before.end() && it->second.source == cached) {
      out.emplace(std::move(name), it->second);
      continue;
    }
    auto object = api::parse_json<T>(*cached->json);
    if (object)
      out.emplace(std::move(name),
                  Parsed<T>{cached, std::make_shared<const T>(std::move(*object))});
  }
  return out;
}

}  // namespace

struct RbacAuthorizer::Index {
  ParsedMap<rbacv1::ClusterRole> cluster_roles;
  ParsedMap<rbacv1::Role> roles;
  ParsedMap<rbacv1::ClusterRoleBinding> cluster_bindings;
  ParsedMap<rbacv1::RoleBinding> bindings;

  const std::vector<rbacv1::PolicyRule>* rules_of(const rbacv1::RoleRef& role,
                                                  std::string_view namespace_) const {
    if (role.kind == "ClusterRole") {
      const auto it = cluster_roles.find(role.name);
      return it == cluster_roles.end() ? nullptr : &it->second.object->rules;
    }
    if (role.kind != "Role" || namespace_.empty()) return nullptr;
    const auto it = roles.find(cat(namespace_, "/", role.name));
    return it == roles.end() ? nullptr : &it->second.object->rules;
  }

  // Calls `visit(rules, describe)` for each binding that names the user, until it gives false;
  // describe() is the text of the binding. Bindings to roles that are not there go to `missing`.
  template <class Visit>
  void each_binding(const User& user, std::string_view namespace_,
                    std::vector<std::string>* missing, Visit visit) const {
    const auto one = [&](std::string_view kind, const std::string& name, const auto& binding,
                         std::string_view ns) {
      for (const auto& subject : binding.subjects) {
        if (!applies(subject, user, ns)) continue;
        const auto* rules = rules_of(binding.role_ref, ns);
        if (rules == nullptr) {
          if (missing != nullptr) {
            std::string why = cat(binding.role_ref.kind == "Role" ? "role" : "clusterrole", ".",
                                  kGroup, " ", quoted(binding.role_ref.name), " not found");
            if (std::find(missing->begin(), missing->end(), why) == missing->end())
              missing->push_back(std::move(why));
          }
          return true;
        }
        return visit(*rules, [&] {
          return cat(kind, " ", quoted(name), " of ", binding.role_ref.kind, " ",
                     quoted(binding.role_ref.name), " to ", describe(subject, ns));
        });
      }
      return true;
    };
    for (const auto& [name, parsed] : cluster_bindings) {
      if (!one("ClusterRoleBinding", name, *parsed.object, {})) return;
    }
    if (namespace_.empty()) return;
    const std::string prefix = cat(namespace_, "/");
    for (auto it = bindings.lower_bound(prefix);
         it != bindings.end() && it->first.starts_with(prefix); ++it) {
      const auto& binding = *it->second.object;
      const std::string name = cat(binding.metadata.name, "/", binding.metadata.namespace_);
      if (!one("RoleBinding", name, binding, namespace_)) return;
    }
  }
};

bool rules_allow(const std::vector<rbacv1::PolicyRule>& rules, const AccessRequest& request) {
  return std::any_of(rules.begin(), rules.end(),
                     [&](const auto& rule) { return allows(rule, request); });
}

RbacAuthorizer::RbacAuthorizer(WatchCache& cache, const ResourceTable& table)
    : cache_(cache), table_(table), stale_(std::make_shared<bool>(true)) {
  for (const std::string_view resource :
       {"roles", "clusterroles", "rolebindings", "clusterrolebindings"}) {
    const ServedResource* served = table_.find(kGroup, "v1", resource);
    if (served == nullptr) continue;
    cache_.add_listener(*served, [stale = stale_](const CacheEvent&) { *stale = true; });
  }
}

void RbacAuthorizer::rebuild() const {
  auto next = std::make_shared<Index>();
  static const Index kEmpty;
  const Index& before = index_ ? *index_ : kEmpty;
  next->cluster_roles = parse_all(cache_, table_, "clusterroles", before.cluster_roles);
  next->roles = parse_all(cache_, table_, "roles", before.roles);
  next->cluster_bindings =
      parse_all(cache_, table_, "clusterrolebindings", before.cluster_bindings);
  next->bindings = parse_all(cache_, table_, "rolebindings", before.bindings);
  index_ = std::move(next);
  *stale_ = false;
}

const RbacAuthorizer::Index& RbacAuthorizer::index() const {
  if (*stale_ || !index_) rebuild();
  return *index_;
}

Decision RbacAuthorizer::authorize(const User& user, const AccessRequest& request) const {
  Decision out;
  std::vector<std::string> missing;
  index().each_binding(
      user, request.is_resource ? std::string_view(request.namespace_) : std::string_view(),
      &missing, [&](const std::vector<rbacv1::PolicyRule>& rules, const auto& text) {
        if (!rules_allow(rules, request)) return true;
        out.verdict = Verdict::kAllow;
        out.reason = cat("RBAC: allowed by ", text());
        return false;
      });
  if (!out.allowed() && !missing.empty()) {
    out.reason =
        cat("RBAC: ", missing.size() == 1 ? missing[0] : cat("[", join(missing, ", "), "]"));
  }
  return out;
}

std::vector<rbacv1::PolicyRule> RbacAuthorizer::rules_for(const User& user,
                                                          std::string_view namespace_) const {
  std::vector<rbacv1::PolicyRule> out;
  index().each_binding(user, namespace_, nullptr,
                       [&](const std::vector<rbacv1::PolicyRule>& rules, const auto&) {
                         out.insert(out.end(), rules.begin(), rules.end());
                         return true;
                       });
  return out;
}

const std::vector<rbacv1::PolicyRule>* RbacAuthorizer::rules_of(const rbacv1::RoleRef& role,
                                                                std::string_view namespace_) const {
  return index().rules_of(role, namespace_);
}

}  // namespace kpp::apiserver
