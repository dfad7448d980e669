#include "apiserver/auth/rbac_reconcile.h"

#include <algorithm>

#include "api/json_codec.h"
#include "api/meta.h"
#include "api/rbacv1.h"
#include "apiserver/auth/rule_cover.h"

namespace kpp::apiserver {
namespace {

constexpr const char* kAutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";

using Rules = std::vector<rbacv1::PolicyRule>;

template <class T>
bool contains(const std::vector<T>& list, const T& item) {
  return std::any_of(list.begin(), list.end(), [&](const T& has) { return api::equal(has, item); });
}

// Gives `out` what it lacks of `wanted`; whether there was such.
bool add_missing(std::map<std::string, std::string>& out,
                 const std::map<std::string, std::string>& wanted) {
  const std::size_t before = out.size();
  out.insert(wanted.begin(), wanted.end());
  return out.size() != before;
}
bool add_missing(metav1::ObjectMeta& out, const metav1::ObjectMeta& wanted) {
  const bool labels = add_missing(out.labels, wanted.labels);
  return add_missing(out.annotations, wanted.annotations) || labels;
}
bool add_missing(Rules& out, const Rules& wanted) {
  auto missing = missing_rules(out, wanted);
  const bool any = !missing.empty();
  for (auto& rule : missing) out.push_back(std::move(rule));
  return any;
}
template <class T>
bool add_missing(std::vector<T>& out, const std::vector<T>& wanted) {
  bool any = false;
  for (const T& item : wanted) {
    if (contains(out, item)) continue;
    out.push_back(item);
    any = true;
  }
  return any;
}

bool reconcile(rbacv1::Role& out, const rbacv1::Role& wanted) {
  return add_missing(out.rules, wanted.rules);
}

bool reconcile(rbacv1::ClusterRole& out, const rbacv1::ClusterRole& wanted) {
  if (!wanted.aggregation_rule) {
    const bool was_aggregated = out.aggregation_rule.has_value();
    out.aggregation_rule.reset();
    return add_missing(out.rules, wanted.rules) || was_aggregated;
  }
  // Its rules are the aggregation's work.
  if (!out.aggregation_rule) {
    out.aggregation_rule = wanted.aggregation_rule;
    return true;
  }
  return add_missing(out.aggregation_rule->cluster_role_selectors,
                     wanted.aggregation_rule->cluster_role_selectors);
}

template <class Binding>
bool reconcile_binding(Binding& out, const Binding& wanted) {
  if (!api::equal(out.role_ref, wanted.role_ref)) {
    out.role_ref = wanted.role_ref;
    // What a binding leads to is its nature: this is a new one.
    out.metadata.uid.clear();
    out.metadata.creation_timestamp = {};
    (void)add_missing(out.subjects, wanted.subjects);
    return true;
  }
  return add_missing(out.subjects, wanted.subjects);
}
bool reconcile(rbacv1::RoleBinding& out, const rbacv1::RoleBinding& wanted) {
  return reconcile_binding(out, wanted);
}
bool reconcile(rbacv1::ClusterRoleBinding& out, const rbacv1::ClusterRoleBinding& wanted) {
  return reconcile_binding(out, wanted);
}

template <class T>
bool reconcile_as(api::Object& object, const api::Object& existing) {
  auto& wanted = *object.as<T>();
  T out = *existing.as<T>();
  const auto update = out.metadata.annotations.find(kAutoUpdate);
  if (update != out.metadata.annotations.end() && update->second == "false") return false;
  const bool meta = add_missing(out.metadata, wanted.metadata);
  if (!reconcile(out, wanted) && !meta) return false;
  out.metadata.resource_version.clear();
  wanted = std::move(out);
  return true;
}

}  // namespace

bool reconcile_rights(api::Object& object, const api::Object& existing) {
  if (object.as<rbacv1::ClusterRole>() != nullptr)
    return reconcile_as<rbacv1::ClusterRole>(object, existing);
  if (object.as<rbacv1::Role>() != nullptr) return reconcile_as<rbacv1::Role>(object, existing);
  if (object.as<rbacv1::ClusterRoleBinding>() != nullptr)
    return reconcile_as<rbacv1::ClusterRoleBinding>(object, existing);
  if (object.as<rbacv1::RoleBinding>() != nullptr)
    return reconcile_as<rbacv1::RoleBinding>(object, existing);
  return false;
}

}  // namespace kpp::apiserver
