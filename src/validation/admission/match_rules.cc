#include "validation/admission/match_rules.h"

#include <algorithm>
#include <set>

#include "validation/formats.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

using admissionregistrationv1::NamedRuleWithOperations;
using admissionregistrationv1::RuleWithOperations;

constexpr std::size_t kMostConditions = 64;

// Lists in which '*' stands for everything and so must stand alone.
void check_wildcard(FieldErrors& errors, const FieldPath& at, const std::vector<std::string>& list,
                    std::string_view what) {
  if (list.empty()) errors.required(at);
  if (list.size() > 1 && contains(list, "*")) {
    errors.invalid(at, list, cat("if '*' is present, must not specify other ", what));
  }
}

void check_resources(FieldErrors& errors, const FieldPath& at,
                     const std::vector<std::string>& resources) {
  if (resources.empty()) errors.required(at);
  std::set<std::string_view> all_of;     // x of "x/*"
  std::set<std::string_view> in_all_of;  // y of "*/y"
  bool plain = false;
  for (std::size_t i = 0; i < resources.size(); ++i) {
    const std::string_view text = resources[i];
    if (text.empty()) {
      errors.required(at.index(i));
      continue;
    }
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
      plain = text != "*";
      continue;
    }
    const std::string_view resource = text.substr(0, slash);
    const std::string_view subresource = text.substr(slash + 1);
    if (all_of.contains(resource)) {
      errors.invalid(at.index(i), text,
                     cat("if '", resource, "/*' is present, must not specify ", text));
    }
    if (in_all_of.contains(subresource)) {
      errors.invalid(at.index(i), text,
                     cat("if '*/", subresource, "' is present, must not specify ", text));
    }
    if (subresource == "*") all_of.insert(resource);
    if (resource == "*") in_all_of.insert(subresource);
  }
  if (resources.size() > 1 && contains(resources, "*/*")) {
    errors.invalid(at, resources, "if '*/*' is present, must not specify other resources");
  }
  if (contains(resources, "*") && plain) {
    errors.invalid(at, resources,
                   "if '*' is present, must not specify other resources without subresources");
  }
}

void check_named_rule(FieldErrors& errors, const FieldPath& at,
                      const NamedRuleWithOperations& rule) {
  const FieldPath names = at.child("resourceNames");
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < rule.resource_names.size(); ++i) {
    errors.invalid_each(names.index(i), rule.resource_names[i],
                        path_segment_name(rule.resource_names[i]));
    if (!seen.insert(rule.resource_names[i]).second)
      errors.duplicate(names.index(i), rule.resource_names[i]);
  }
  check_rule(errors, at, rule.rule_with_operations);
}

void check_given_selector(FieldErrors& errors, const FieldPath& at,
                          const api::Opt<metav1::LabelSelector>& selector) {
  if (selector) {
    check_selector(errors, at, *selector);
  } else {
    errors.required(at);
  }
}

}  // namespace

void check_choice(FieldErrors& errors, const FieldPath& at, const std::optional<std::string>& value,
                  std::initializer_list<std::string_view> choices) {
  if (!value) return errors.required(at);
  if (std::find(choices.begin(), choices.end(), *value) == choices.end())
    errors.not_supported(at, *value, choices);
}

void check_rule(FieldErrors& errors, const FieldPath& at, const RuleWithOperations& rule) {
  const FieldPath operations = at.child("operations");
  check_wildcard(errors, operations, rule.operations, "operations");
  for (std::size_t i = 0; i < rule.operations.size(); ++i) {
    const std::string& operation = rule.operations[i];
    if (operation == "*" || operation == "CREATE" || operation == "UPDATE" ||
        operation == "DELETE" || operation == "CONNECT") {
      continue;
    }
    errors.not_supported(operations.index(i), operation,
                         {"*", "CONNECT", "CREATE", "DELETE", "UPDATE"});
  }
  check_wildcard(errors, at.child("apiGroups"), rule.rule.api_groups, "API groups");
  check_wildcard(errors, at.child("apiVersions"), rule.rule.api_versions, "API versions");
  for (std::size_t i = 0; i < rule.rule.api_versions.size(); ++i) {
    if (rule.rule.api_versions[i].empty()) errors.required(at.child("apiVersions").index(i));
  }
  check_resources(errors, at.child("resources"), rule.rule.resources);
  if (const auto& scope = rule.rule.scope;
      scope && *scope != "*" && *scope != "Cluster" && *scope != "Namespaced") {
    errors.not_supported(at.child("scope"), *scope, {"*", "Cluster", "Namespaced"});
  }
}

void check_match_resources(FieldErrors& errors, const FieldPath& at,
                           const admissionregistrationv1::MatchResources& match) {
  check_choice(errors, at.child("matchPolicy"), match.match_policy, {"Equivalent", "Exact"});
  check_given_selector(errors, at.child("namespaceSelector"), match.namespace_selector);
  check_given_selector(errors, at.child("objectSelector"), match.object_selector);
  for (std::size_t i = 0; i < match.resource_rules.size(); ++i) {
    check_named_rule(errors, at.child("resourceRules").index(i), match.resource_rules[i]);
  }
  for (std::size_t i = 0; i < match.exclude_resource_rules.size(); ++i) {
    check_named_rule(errors, at.child("excludeResourceRules").index(i),
                     match.exclude_resource_rules[i]);
  }
}

cel::TypeRef check_expression(FieldErrors& errors, const FieldPath& at,
                              const AdmissionCompiler& compiler, std::string_view expression,
                              const Sight& sight, std::initializer_list<cel::TypeRef> wanted) {
  const auto compiled = compiler.compile(expression, sight, wanted);
  if (compiled) return compiled->program.output();
  errors.invalid(at, expression, compiled.error());
  return nullptr;
}

void check_match_conditions(FieldErrors& errors, const FieldPath& at,
                            std::span<const admissionregistrationv1::MatchCondition> conditions,
                            bool with_params) {
  if (conditions.size() > kMostConditions) errors.too_many(at, conditions.size(), kMostConditions);
  const AdmissionCompiler compiler;
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const auto& condition = conditions[i];
    const FieldPath name = at.index(i).child("name");
    const FieldPath expression = at.index(i).child("expression");
    if (trimmed(condition.expression).empty()) {
      errors.required(expression);
    } else {
      check_expression(errors, expression, compiler, condition.expression,
                       {.params = with_params, .authorizer = true}, {answers::boolean()});
    }
    if (condition.name.empty()) {
      errors.required(name);
      continue;
    }
    errors.invalid_each(name, condition.name, qualified_name(condition.name));
    if (!seen.insert(condition.name).second) errors.duplicate(name, condition.name);
  }
}

}  // namespace kpp::validation
