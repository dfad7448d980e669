// ResourceQuotas.
#include <algorithm>
#include <array>
#include <set>

#include "validation/core/resources.h"
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

bool is_scope(std::string_view scope) {
  static constexpr std::array<std::string_view, 7> kScopes = {
      "Terminating",          "NotTerminating", "BestEffort",
      "NotBestEffort",        "PriorityClass",  "CrossNamespacePodAffinity",
      "VolumeAttributesClass"};
  return std::find(kScopes.begin(), kScopes.end(), scope) != kScopes.end();
}

bool fits(std::string_view scope, std::string_view resource) {
  if (scope == "BestEffort") return resource == "pods";
  if (scope == "VolumeAttributesClass") {
    return resource == "persistentvolumeclaims" || resource == "requests.storage" ||
           resource == "storage";
  }
  static constexpr std::array<std::string_view, 9> kPodResources = {"pods",
                                                                    "cpu",
                                                                    "memory",
                                                                    "requests.cpu",
                                                                    "requests.memory",
                                                                    "limits.cpu",
                                                                    "limits.memory",
                                                                    "ephemeral-storage",
                                                                    "requests.ephemeral-storage"};
  const bool pod =
      std::find(kPodResources.begin(), kPodResources.end(), resource) != kPodResources.end() ||
      resource == "limits.ephemeral-storage" || resource.find('/') != std::string_view::npos;
  return pod || !is_scope(scope);
}

void check_quota_name(FieldErrors& errors, const FieldPath& at, const std::string& name) {
  check_resource_name(errors, at, name);
  if (name.find('/') == std::string::npos && !is_standard_quota_resource(name)) {
    errors.invalid(at, name, "must be a standard resource for quota");
  }
}

void check_amounts(FieldErrors& errors, const FieldPath& at, const ResourceList& list) {
  for (const auto& [name, quantity] : list) {
    check_quota_name(errors, at.key(name), name);
    check_resource_quantity(errors, at.key(name), name, quantity);
  }
}

void check_scopes(FieldErrors& errors, const corev1::ResourceQuotaSpec& spec) {
  if (spec.scopes.empty()) return;
  const FieldPath at = FieldPath("spec").child("scopes");
  std::set<std::string_view> scopes;
  for (const std::string& scope : spec.scopes) {
    if (!is_scope(scope)) errors.invalid(at, spec.scopes, "unsupported scope");
    for (const auto& [name, quantity] : spec.hard) {
      if (is_standard_quota_resource(name) && !fits(scope, name)) {
        errors.invalid(at, spec.scopes, "unsupported scope applied to resource");
      }
    }
    scopes.insert(scope);
  }
  const auto both = [&](std::string_view a, std::string_view b) {
    if (scopes.contains(a) && scopes.contains(b))
      errors.invalid(at, spec.scopes, "conflicting scopes");
  };
  both("BestEffort", "NotBestEffort");
  both("Terminating", "NotTerminating");
}

void check_scope_selector(FieldErrors& errors, const corev1::ResourceQuotaSpec& spec) {
  if (!spec.scope_selector) return;
  const FieldPath at = FieldPath("spec").child("scopeSelector").child("matchExpressions");
  std::set<std::string_view> scopes;
  for (const corev1::ScopedResourceSelectorRequirement& requirement :
       spec.scope_selector->match_expressions) {
    const std::string& scope = requirement.scope_name;
    if (!is_scope(scope)) errors.invalid(at.child("scopeName"), scope, "unsupported scope");
    for (const auto& [name, quantity] : spec.hard) {
      if (is_standard_quota_resource(name) && !fits(scope, name)) {
        errors.invalid(at, Value::raw("[]"), "unsupported scope applied to resource");
      }
    }
    const std::string& op = requirement.operator_;
    const bool fixed =
        is_scope(scope) && scope != "PriorityClass" && scope != "VolumeAttributesClass";
    if (fixed && op != "Exists") {
      errors.invalid(at.child("operator"), op,
                     "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, "
                     "ResourceQuotaScopeNotTerminating, "
                     "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
                     "ResourceQuotaScopeCrossNamespacePodAffinity");
    } else if (op == "In" || op == "NotIn") {
      if (requirement.values.empty()) {
        errors.required(
            at.child("values"),
            "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
      }
    } else if (op == "Exists" || op == "DoesNotExist") {
      if (!requirement.values.empty()) {
        errors.invalid(
            at.child("values"), requirement.values,
            "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
      }
    } else {
      errors.invalid(at.child("operator"), op, "not a valid selector operator");
    }
    scopes.insert(scope);
  }
  const auto both = [&](std::string_view a, std::string_view b) {
    if (scopes.contains(a) && scopes.contains(b))
      errors.invalid(at, Value::raw("[]"), "conflicting scopes");
  };
  both("BestEffort", "NotBestEffort");
  both("Terminating", "NotTerminating");
}

}  // namespace

void validate(FieldErrors& errors, const corev1::ResourceQuota& quota, const Context&) {
  check_metadata(errors, quota.metadata, true, subdomain_name);
  check_amounts(errors, FieldPath("spec").child("hard"), quota.spec.hard);
  check_scopes(errors, quota.spec);
  check_scope_selector(errors, quota.spec);
  check_amounts(errors, FieldPath("status").child("hard"), quota.status.hard);
  check_amounts(errors, FieldPath("status").child("used"), quota.status.used);
}

void validate_change(FieldErrors& errors, const corev1::ResourceQuota& quota,
                     const corev1::ResourceQuota& old, const Context& context) {
  check_metadata_update(errors, quota.metadata, old.metadata);
  if (context.is_status) {
    check_amounts(errors, FieldPath("status").child("hard"), quota.status.hard);
    check_amounts(errors, FieldPath("status").child("used"), quota.status.used);
    return;
  }
  check_amounts(errors, FieldPath("spec").child("hard"), quota.spec.hard);
  check_scopes(errors, quota.spec);
  check_scope_selector(errors, quota.spec);
  if (quota.spec.scopes != old.spec.scopes) {
    errors.invalid(FieldPath("spec").child("scopes"), quota.spec.scopes, kImmutable);
  }
}

}  // namespace kpp::validation
