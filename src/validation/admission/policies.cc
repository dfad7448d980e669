// ValidatingAdmissionPolicies and MutatingAdmissionPolicies.
#include <algorithm>
#include <set>

#include "validation/admission/match_rules.h"
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

using admissionregistrationv1::MutatingAdmissionPolicy;
using admissionregistrationv1::ValidatingAdmissionPolicy;

constexpr std::size_t kMostAnnotations = 20;
constexpr std::size_t kLongestAnnotation = 5 * 1024;

bool is_blank(std::string_view text) { return trimmed(text).empty(); }

void check_param_kind(FieldErrors& errors, const FieldPath& at,
                      const admissionregistrationv1::ParamKind& kind) {
  const FieldPath version = at.child("apiVersion");
  const std::string& text = kind.api_version;
  if (text.empty()) {
    errors.required(version);
  } else if (std::count(text.begin(), text.end(), '/') > 1) {
    errors.invalid(version, text, cat("unexpected GroupVersion string: ", text));
  } else {
    const auto slash = text.find('/');
    if (slash != std::string::npos)
      errors.invalid_each(version, text, dns1123_subdomain(text.substr(0, slash)));
    errors.invalid_each(version, text,
                        dns1035_label(slash == std::string::npos ? text : text.substr(slash + 1)));
  }
  if (kind.kind.empty()) {
    errors.required(at.child("kind"));
  } else if (const Messages why = dns1035_label(lower(kind.kind)); !why.empty()) {
    errors.invalid(at.child("kind"), kind.kind,
                   cat("may have mixed case, but should otherwise match: ", join(why, ",")));
  }
}

bool is_identifier(std::string_view text) {
  static const std::set<std::string_view> kReserved = {
      "false",    "in",      "null",      "true",     "as",  "break",  "const",
      "continue", "else",    "for",       "function", "if",  "import", "let",
      "loop",     "package", "namespace", "return",   "var", "void",   "while"};
  return c_identifier(text).empty() && !kReserved.contains(text);
}

// Each variable's expression sees the variables before it.
void check_variables(FieldErrors& errors, const FieldPath& at, AdmissionCompiler& compiler,
                     const std::vector<admissionregistrationv1::Variable>& variables,
                     const Sight& sight) {
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const auto& variable = variables[i];
    if (is_blank(variable.name)) {
      errors.required(at.index(i).child("name"), "name is not specified");
    } else if (!is_identifier(variable.name)) {
      errors.invalid(at.index(i).child("name"), variable.name, "must be a valid CEL identifier");
    }
    const FieldPath expression = at.index(i).child("expression");
    if (is_blank(variable.expression)) {
      errors.required(expression, "expression is not specified");
      continue;
    }
    const cel::TypeRef type =
        check_expression(errors, expression, compiler, variable.expression, sight, {});
    compiler.add_variable(variable.name, type);
  }
}

// What both kinds of policies begin with. The compiler knows the policy's variables then.
template <class Spec>
void check_head(FieldErrors& errors, const FieldPath& at, const Spec& spec,
                AdmissionCompiler& compiler, const Sight& sight) {
  check_choice(errors, at.child("failurePolicy"), spec.failure_policy, {"Fail", "Ignore"});
  if (spec.param_kind) check_param_kind(errors, at.child("paramKind"), *spec.param_kind);
  if (!spec.match_constraints) {
    errors.required(at.child("matchConstraints"));
  } else {
    check_match_resources(errors, at.child("matchConstraints"), *spec.match_constraints);
    if (spec.match_constraints->resource_rules.empty())
      errors.required(at.child("matchConstraints", "resourceRules"));
  }
  check_match_conditions(errors, at.child("matchConditions"), spec.match_conditions, sight.params);
  check_variables(errors, at.child("variables"), compiler, spec.variables, sight);
}

void check_validation(FieldErrors& errors, const FieldPath& at, const AdmissionCompiler& compiler,
                      const admissionregistrationv1::Validation& validation, const Sight& sight) {
  if (is_blank(validation.expression)) {
    errors.required(at.child("expression"), "expression is not specified");
  } else {
    check_expression(errors, at.child("expression"), compiler, validation.expression, sight,
                     {answers::boolean()});
  }
  if (!validation.message_expression.empty() && is_blank(validation.message_expression)) {
    errors.invalid(at.child("messageExpression"), validation.message_expression,
                   "must be non-empty if specified");
  } else if (!validation.message_expression.empty()) {
    check_expression(errors, at.child("messageExpression"), compiler, validation.message_expression,
                     {.params = sight.params}, {answers::text()});
  }
  const std::string_view message = trimmed(validation.message);
  if (!validation.message.empty() && message.empty()) {
    errors.invalid(at.child("message"), validation.message,
                   "message must be non-empty if specified");
  } else if (message.find_first_of("\r\n") != std::string_view::npos) {
    errors.invalid(at.child("message"), validation.message, "must not contain line breaks");
  }
  if (!validation.reason) return;
  const std::string& reason = *validation.reason;
  if (reason != "Forbidden" && reason != "Invalid" && reason != "RequestEntityTooLarge" &&
      reason != "Unauthorized") {
    errors.not_supported(at.child("reason"), reason,
                         {"Forbidden", "Invalid", "RequestEntityTooLarge"});
  }
}

void check_annotations(FieldErrors& errors, const FieldPath& at, const AdmissionCompiler& compiler,
                       const ValidatingAdmissionPolicy& policy, const Sight& sight) {
  const auto& annotations = policy.spec.audit_annotations;
  if (annotations.size() > kMostAnnotations) {
    errors.invalid(at, Value::raw("[]"),
                   cat("must not have more than ", kMostAnnotations, " auditAnnotations"));
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    const FieldPath key = at.index(i).child("key");
    const FieldPath value = at.index(i).child("valueExpression");
    const std::string name = policy.metadata.name.empty()
                                 ? annotations[i].key
                                 : cat(policy.metadata.name, "/", annotations[i].key);
    errors.invalid_each(key, name, qualified_name(name));
    const std::string_view expression = trimmed(annotations[i].value_expression);
    if (expression.empty()) {
      errors.required(value, "valueExpression is not specified");
    } else if (expression.size() > kLongestAnnotation) {
      errors.required(value, cat("must not exceed ", kLongestAnnotation, " bytes in length"));
    } else {
      check_expression(errors, value, compiler, annotations[i].value_expression, sight,
                       {answers::text(), answers::null()});
    }
    if (!seen.insert(annotations[i].key).second) errors.duplicate(key, annotations[i].key);
  }
}

void check_spec(FieldErrors& errors, const ValidatingAdmissionPolicy& policy) {
  const FieldPath at("spec");
  const auto& spec = policy.spec;
  const Sight sight{.params = static_cast<bool>(spec.param_kind), .authorizer = true};
  AdmissionCompiler compiler = AdmissionCompiler::with_variables();
  check_head(errors, at, spec, compiler, sight);
  if (spec.validations.empty() && spec.audit_annotations.empty()) {
    constexpr std::string_view kOne =
        "validations or auditAnnotations must contain at least one item";
    errors.required(at.child("validations"), kOne);
    return errors.required(at.child("auditAnnotations"), kOne);
  }
  for (std::size_t i = 0; i < spec.validations.size(); ++i) {
    check_validation(errors, at.child("validations").index(i), compiler, spec.validations[i],
                     sight);
  }
  check_annotations(errors, at.child("auditAnnotations"), compiler, policy, sight);
}

template <class Patch>
void check_patch(FieldErrors& errors, const FieldPath& at, std::string_view type,
                 const AdmissionCompiler& compiler, const api::Opt<Patch>& patch,
                 const Sight& sight) {
  if (!patch) return errors.required(at, cat("must be specified when patchType is ", type));
  const FieldPath expression = at.child("expression");
  if (is_blank(patch->expression))
    return errors.required(expression, "expression is not specified");
  check_expression(errors, expression, compiler, patch->expression, sight,
                   {type == "JSONPatch" ? answers::json_patch() : answers::object()});
}

void check_mutation(FieldErrors& errors, const FieldPath& at, const AdmissionCompiler& compiler,
                    const admissionregistrationv1::Mutation& mutation, const Sight& sight) {
  if (mutation.patch_type == "ApplyConfiguration") {
    check_patch(errors, at.child("applyConfiguration"), mutation.patch_type, compiler,
                mutation.apply_configuration, sight);
    if (mutation.json_patch)
      errors.forbidden(at.child("jsonPatch"),
                       "must not be specified when patchType is ApplyConfiguration");
  } else if (mutation.patch_type == "JSONPatch") {
    check_patch(errors, at.child("jsonPatch"), mutation.patch_type, compiler, mutation.json_patch,
                sight);
    if (mutation.apply_configuration) {
      errors.forbidden(at.child("applyConfiguration"),
                       "must not be specified when patchType is JSONPatch");
    }
  } else if (mutation.patch_type.empty()) {
    errors.required(at.child("patchType"));
  } else {
    errors.not_supported(at.child("patchType"), mutation.patch_type,
                         {"ApplyConfiguration", "JSONPatch"});
  }
}

void check_type_checking(FieldErrors& errors, const FieldPath& at,
                         const admissionregistrationv1::TypeChecking& checking) {
  const FieldPath list = at.child("expressionWarnings");
  for (std::size_t i = 0; i < checking.expression_warnings.size(); ++i) {
    if (checking.expression_warnings[i].field_ref.empty())
      errors.required(list.index(i).child("fieldRef"));
    if (checking.expression_warnings[i].warning.empty())
      errors.required(list.index(i).child("warning"));
  }
}

}  // namespace

void validate(FieldErrors& errors, const ValidatingAdmissionPolicy& policy, const Context&) {
  check_metadata(errors, policy.metadata, false, subdomain_name);
  check_spec(errors, policy);
}

void validate_change(FieldErrors& errors, const ValidatingAdmissionPolicy& policy,
                     const ValidatingAdmissionPolicy& old, const Context& context) {
  check_metadata_update(errors, policy.metadata, old.metadata);
  if (!context.is_status) return check_spec(errors, policy);
  if (policy.status.type_checking) {
    check_type_checking(errors, FieldPath("status").child("typeChecking"),
                        *policy.status.type_checking);
  }
}

void validate(FieldErrors& errors, const MutatingAdmissionPolicy& policy, const Context&) {
  check_metadata(errors, policy.metadata, false, subdomain_name);
  const FieldPath at("spec");
  Sight sight{.params = static_cast<bool>(policy.spec.param_kind), .authorizer = true};
  AdmissionCompiler compiler = AdmissionCompiler::with_variables();
  check_head(errors, at, policy.spec, compiler, sight);
  sight.patches = true;
  if (policy.spec.mutations.empty())
    errors.required(at.child("mutations"), "mutations must contain at least one item");
  for (std::size_t i = 0; i < policy.spec.mutations.size(); ++i) {
    check_mutation(errors, at.child("mutations").index(i), compiler, policy.spec.mutations[i],
                   sight);
  }
  const std::string& again = policy.spec.reinvocation_policy;
  if (again.empty()) {
    errors.required(at.child("reinvocationPolicy"));
  } else if (again != "IfNeeded" && again != "Never") {
    errors.not_supported(at.child("reinvocationPolicy"), again, {"IfNeeded", "Never"});
  }
}

}  // namespace kpp::validation
