// FlowSchemas.
#include <algorithm>
#include <array>

#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

constexpr std::int32_t kHighestPrecedence = 10'000;
constexpr std::array<std::string_view, 9> kVerbs = {
    "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"};

void check_lone_wildcard(FieldErrors& errors, const FieldPath& at,
                         const std::vector<std::string>& list, std::string_view what) {
  if (list.size() > 1 && contains(list, "*"))
    errors.invalid(at, list, cat("if '*' is present, must not specify other ", what));
}

void check_verbs(FieldErrors& errors, const FieldPath& at, const std::vector<std::string>& verbs) {
  if (verbs.empty()) return errors.required(at, "verbs must contain at least one value");
  if (contains(verbs, "*")) return check_lone_wildcard(errors, at, verbs, "verbs");
  const bool known = std::all_of(verbs.begin(), verbs.end(), [](const auto& verb) {
    return std::find(kVerbs.begin(), kVerbs.end(), verb) != kVerbs.end();
  });
  if (!known) errors.not_supported(at, verbs, kVerbs);
}

void check_service_account(FieldErrors& errors, const FieldPath& at,
                           const api::Opt<flowcontrolv1::ServiceAccountSubject>& account) {
  if (!account)
    return errors.required(at, "serviceAccount is required when subject kind is 'ServiceAccount'");
  if (account->name.empty()) {
    errors.required(at.child("name"));
  } else if (account->name != "*") {
    errors.invalid_each(at.child("name"), account->name, dns1123_subdomain(account->name));
  }
  if (account->namespace_.empty()) {
    errors.required(at.child("namespace"), "must specify namespace for service account");
  } else {
    errors.invalid_each(at.child("namespace"), account->namespace_,
                        dns1123_label(account->namespace_));
  }
}

// `what`: "user" or "group", whose `kind` the subject has.
template <class Named>
void check_named(FieldErrors& errors, const FieldPath& at, const api::Opt<Named>& named,
                 std::string_view what, std::string_view kind) {
  if (!named)
    return errors.required(at, cat(what, " is required when subject kind is '", kind, "'"));
  if (named->name.empty()) errors.required(at.child("name"));
}

void check_subject(FieldErrors& errors, const FieldPath& at,
                   const flowcontrolv1::Subject& subject) {
  const auto forbid = [&](bool given, std::string_view what, std::string_view kind) {
    if (given) {
      errors.forbidden(at.child(what),
                       cat(what, " is forbidden when subject kind is not '", kind, "'"));
    }
  };
  const bool account = static_cast<bool>(subject.service_account);
  const bool user = static_cast<bool>(subject.user);
  const bool group = static_cast<bool>(subject.group);
  if (subject.kind == "ServiceAccount") {
    check_service_account(errors, at.child("serviceAccount"), subject.service_account);
    forbid(user, "user", "User");
    forbid(group, "group", "Group");
  } else if (subject.kind == "User") {
    check_named(errors, at.child("user"), subject.user, "user", "User");
    forbid(account, "serviceAccount", "ServiceAccount");
    forbid(group, "group", "Group");
  } else if (subject.kind == "Group") {
    check_named(errors, at.child("group"), subject.group, "group", "Group");
    forbid(account, "serviceAccount", "ServiceAccount");
    forbid(user, "user", "User");
  } else {
    errors.not_supported(at.child("kind"), subject.kind, {"Group", "ServiceAccount", "User"});
  }
}

void check_resource_rule(FieldErrors& errors, const FieldPath& at,
                         const flowcontrolv1::ResourcePolicyRule& rule) {
  check_verbs(errors, at.child("verbs"), rule.verbs);
  if (rule.api_groups.empty())
    errors.required(at.child("apiGroups"), "resource rules must supply at least one api group");
  check_lone_wildcard(errors, at.child("apiGroups"), rule.api_groups, "api groups");
  if (rule.resources.empty())
    errors.required(at.child("resources"), "resource rules must supply at least one resource");
  check_lone_wildcard(errors, at.child("resources"), rule.resources, "resources");
  const FieldPath namespaces = at.child("namespaces");
  if (rule.namespaces.empty() && !rule.cluster_scope) {
    errors.required(
        namespaces,
        "resource rules that are not cluster scoped must supply at least one namespace");
  } else if (contains(rule.namespaces, "*")) {
    check_lone_wildcard(errors, namespaces, rule.namespaces, "namespaces");
  } else {
    for (std::size_t i = 0; i < rule.namespaces.size(); ++i) {
      errors.invalid_each(namespaces.index(i), rule.namespaces[i],
                          dns1123_label(rule.namespaces[i]));
    }
  }
}

void check_rule(FieldErrors& errors, const FieldPath& at,
                const flowcontrolv1::PolicyRulesWithSubjects& rule) {
  if (rule.subjects.empty())
    errors.required(at.child("subjects"), "subjects must contain at least one value");
  for (std::size_t i = 0; i < rule.subjects.size(); ++i)
    check_subject(errors, at.child("subjects").index(i), rule.subjects[i]);
  if (rule.resource_rules.empty() && rule.non_resource_rules.empty()) {
    errors.required(at, "at least one of resourceRules and nonResourceRules has to be non-empty");
  }
  for (std::size_t i = 0; i < rule.resource_rules.size(); ++i)
    check_resource_rule(errors, at.child("resourceRules").index(i), rule.resource_rules[i]);
  for (std::size_t i = 0; i < rule.non_resource_rules.size(); ++i) {
    const FieldPath here = at.child("nonResourceRules").index(i);
    const auto& urls = rule.non_resource_rules[i].non_resource_urls;
    check_verbs(errors, here.child("verbs"), rule.non_resource_rules[i].verbs);
    if (urls.empty())
      errors.required(here.child("nonResourceURLs"),
                      "nonResourceURLs must contain at least one value");
    check_lone_wildcard(errors, here.child("nonResourceURLs"), urls, "non-resource URLs");
  }
}

}  // namespace

void validate(FieldErrors& errors, const flowcontrolv1::FlowSchema& schema, const Context&) {
  check_metadata(errors, schema.metadata, false, subdomain_name);
  const FieldPath at("spec");
  const FieldPath precedence = at.child("matchingPrecedence");
  const auto& spec = schema.spec;
  if (spec.matching_precedence <= 0)
    errors.invalid(precedence, spec.matching_precedence, "must be a positive value");
  if (spec.matching_precedence > kHighestPrecedence) {
    errors.invalid(precedence, spec.matching_precedence,
                   cat("must not be greater than ", kHighestPrecedence));
  }
  if (spec.matching_precedence == 1 && schema.metadata.name != "exempt") {
    errors.invalid(precedence, spec.matching_precedence,
                   "only the schema named 'exempt' may have matchingPrecedence 1");
  }
  if (spec.distinguisher_method && spec.distinguisher_method->type != "ByNamespace" &&
      spec.distinguisher_method->type != "ByUser") {
    errors.not_supported(at.child("distinguisherMethod", "type"), spec.distinguisher_method->type,
                         {"ByNamespace", "ByUser"});
  }
  const std::string& level = spec.priority_level_configuration.name;
  const FieldPath level_name = at.child("priorityLevelConfiguration", "name");
  if (level.empty()) {
    errors.required(level_name, "must reference a priority level");
  } else {
    errors.invalid_each(level_name, level, dns1123_subdomain(level));
  }
  for (std::size_t i = 0; i < spec.rules.size(); ++i)
    check_rule(errors, at.child("rules").index(i), spec.rules[i]);
}

}  // namespace kpp::validation
