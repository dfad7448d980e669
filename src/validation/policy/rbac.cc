// Roles and their bindings.
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

void check_rules(FieldErrors& errors, const std::vector<rbacv1::PolicyRule>& rules,
                 bool namespaced) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const rbacv1::PolicyRule& rule = rules[i];
    const FieldPath at = FieldPath("rules").index(i);
    if (rule.verbs.empty())
      errors.required(at.child("verbs"), "verbs must contain at least one value");
    if (!rule.non_resource_urls.empty()) {
      const FieldPath urls = at.child("nonResourceURLs");
      if (namespaced)
        errors.invalid(urls, rule.non_resource_urls,
                       "namespaced rules cannot apply to non-resource URLs");
      if (!rule.api_groups.empty() || !rule.resources.empty() || !rule.resource_names.empty()) {
        errors.invalid(urls, rule.non_resource_urls,
                       "rules cannot apply to both regular resources and non-resource URLs");
      }
      continue;
    }
    if (rule.api_groups.empty())
      errors.required(at.child("apiGroups"), "resource rules must supply at least one api group");
    if (rule.resources.empty())
      errors.required(at.child("resources"), "resource rules must supply at least one resource");
  }
}

void check_subject(FieldErrors& errors, const FieldPath& at, const rbacv1::Subject& subject,
                   bool namespaced) {
  if (subject.name.empty()) errors.required(at.child("name"));
  if (subject.kind == "ServiceAccount") {
    if (!subject.name.empty()) check_dns1123_subdomain(errors, at.child("name"), subject.name);
    if (!subject.api_group.empty())
      errors.not_supported(at.child("apiGroup"), subject.api_group, {""});
    if (!namespaced && subject.namespace_.empty()) errors.required(at.child("namespace"));
  } else if (subject.kind == "User" || subject.kind == "Group") {
    if (subject.api_group != kGroup)
      errors.not_supported(at.child("apiGroup"), subject.api_group, {kGroup});
  } else {
    errors.not_supported(at.child("kind"), subject.kind, {"ServiceAccount", "User", "Group"});
  }
}

template <class Binding>
void check_binding(FieldErrors& errors, const Binding& binding, bool namespaced) {
  check_metadata(errors, binding.metadata, namespaced, segment_name);
  const FieldPath at("roleRef");
  if (binding.role_ref.api_group != kGroup) {
    errors.not_supported(at.child("apiGroup"), binding.role_ref.api_group, {kGroup});
  }
  if (namespaced) {
    if (binding.role_ref.kind != "Role" && binding.role_ref.kind != "ClusterRole") {
      errors.not_supported(at.child("kind"), binding.role_ref.kind, {"Role", "ClusterRole"});
    }
  } else if (binding.role_ref.kind != "ClusterRole") {
    errors.not_supported(at.child("kind"), binding.role_ref.kind, {"ClusterRole"});
  }
  if (binding.role_ref.name.empty()) {
    errors.required(at.child("name"));
  } else {
    errors.invalid_each(at.child("name"), binding.role_ref.name,
                        path_segment_name(binding.role_ref.name));
  }
  for (std::size_t i = 0; i < binding.subjects.size(); ++i) {
    check_subject(errors, FieldPath("subjects").index(i), binding.subjects[i], namespaced);
  }
}

template <class Binding>
void check_binding_change(FieldErrors& errors, const Binding& binding, const Binding& old,
                          bool namespaced) {
  check_binding(errors, binding, namespaced);
  check_metadata_update(errors, binding.metadata, old.metadata);
  const rbacv1::RoleRef& now = binding.role_ref;
  const rbacv1::RoleRef& was = old.role_ref;
  if (now.api_group != was.api_group || now.kind != was.kind || now.name != was.name) {
    errors.invalid(FieldPath("roleRef"), go_value(now), "cannot change roleRef");
  }
}

}  // namespace

void validate(FieldErrors& errors, const rbacv1::Role& role, const Context&) {
  check_metadata(errors, role.metadata, true, segment_name);
  check_rules(errors, role.rules, true);
}

void validate_change(FieldErrors& errors, const rbacv1::Role& role, const rbacv1::Role& old,
                     const Context& context) {
  validate(errors, role, context);
  check_metadata_update(errors, role.metadata, old.metadata);
}

void validate(FieldErrors& errors, const rbacv1::ClusterRole& role, const Context&) {
  check_metadata(errors, role.metadata, false, segment_name);
  check_rules(errors, role.rules, false);
  if (!role.aggregation_rule) return;
  const FieldPath at = FieldPath("aggregationRule").child("clusterRoleSelectors");
  const auto& selectors = role.aggregation_rule->cluster_role_selectors;
  if (selectors.empty()) {
    errors.required(at, "at least one clusterRoleSelector required if aggregationRule is non-nil");
  }
  for (std::size_t i = 0; i < selectors.size(); ++i)
    check_selector(errors, at.index(i), selectors[i]);
}

void validate_change(FieldErrors& errors, const rbacv1::ClusterRole& role,
                     const rbacv1::ClusterRole& old, const Context& context) {
  validate(errors, role, context);
  check_metadata_update(errors, role.metadata, old.metadata);
}

void validate(FieldErrors& errors, const rbacv1::RoleBinding& binding, const Context&) {
  check_binding(errors, binding, true);
}
void validate(FieldErrors& errors, const rbacv1::ClusterRoleBinding& binding, const Context&) {
  check_binding(errors, binding, false);
}
void validate_change(FieldErrors& errors, const rbacv1::RoleBinding& binding,
                     const rbacv1::RoleBinding& old, const Context&) {
  check_binding_change(errors, binding, old, true);
}
void validate_change(FieldErrors& errors, const rbacv1::ClusterRoleBinding& binding,
                     const rbacv1::ClusterRoleBinding& old, const Context&) {
  check_binding_change(errors, binding, old, false);
}

}  // namespace kpp::validation
