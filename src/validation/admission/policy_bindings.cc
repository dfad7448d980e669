// ValidatingAdmissionPolicyBindings and MutatingAdmissionPolicyBindings, and addresses that
// services hold.
#include <set>

#include "validation/addresses.h"
#include "validation/admission/match_rules.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

void check_parameters(FieldErrors& errors, const FieldPath& at,
                      const admissionregistrationv1::ParamRef& reference) {
  if (!reference.name.empty()) {
    errors.invalid_each(at.child("name"), reference.name, path_segment_name(reference.name));
    if (reference.selector) {
      errors.forbidden(at.child("name"), "name and selector are mutually exclusive");
      errors.forbidden(at.child("selector"), "name and selector are mutually exclusive");
    }
  } else if (reference.selector) {
    check_selector(errors, at.child("selector"), *reference.selector);
  } else {
    errors.required(at, "one of name or selector must be specified");
  }
  if (!reference.parameter_not_found_action) {
    errors.required(at.child("parameterNotFoundAction"));
  } else if (*reference.parameter_not_found_action != "Deny" &&
             *reference.parameter_not_found_action != "Allow") {
    errors.not_supported(at.child("parameterNotFoundAction"), *reference.parameter_not_found_action,
                         {"Deny", "Allow"});
  }
}

// What both kinds of bindings have: which policy, with which parameters, for which requests.
template <class Spec>
void check_binding(FieldErrors& errors, const FieldPath& at, const Spec& spec) {
  if (spec.policy_name.empty()) {
    errors.required(at.child("policyName"));
  } else {
    check_dns1123_subdomain(errors, at.child("policyName"), spec.policy_name);
  }
  if (spec.param_ref) check_parameters(errors, at.child("paramRef"), *spec.param_ref);
  // The original's path lacks a letter.
  if (spec.match_resources)
    check_match_resources(errors, at.child("matchResouces"), *spec.match_resources);
}

// Names of addresses are the addresses, in their canonical form.
Messages address_name(std::string_view name, bool) {
  FieldErrors wrong;
  check_ip(wrong, FieldPath("name"), name);
  if (!wrong.empty()) {
    const std::string& text = wrong.all().front().message;
    return {text.substr(text.find("\": ") + 3)};
  }
  const std::string canonical = parse_ip(name)->to_string();
  if (canonical != name) return {cat("must be in canonical form (", quoted(canonical), ")")};
  return {};
}

}  // namespace

void validate(FieldErrors& errors,
              const admissionregistrationv1::ValidatingAdmissionPolicyBinding& binding,
              const Context&) {
  check_metadata(errors, binding.metadata, false, subdomain_name);
  const FieldPath at("spec");
  check_binding(errors, at, binding.spec);
  const FieldPath actions = at.child("validationActions");
  const std::vector<std::string>& list = binding.spec.validation_actions;
  if (list.empty()) errors.required(actions, "at least one validation action is required");
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] != "Deny" && list[i] != "Warn" && list[i] != "Audit") {
      errors.not_supported(actions.index(i), list[i], {"Audit", "Deny", "Warn"});
    }
    if (!seen.insert(list[i]).second) errors.duplicate(actions.index(i), list[i]);
  }
  if (seen.contains("Deny") && seen.contains("Warn")) {
    errors.invalid(actions, list,
                   "must not contain both Deny and Warn (repeating the same validation failure "
                   "information in the API "
                   "response and headers serves no purpose)");
  }
}

void validate(FieldErrors& errors,
              const admissionregistrationv1::MutatingAdmissionPolicyBinding& binding,
              const Context&) {
  check_metadata(errors, binding.metadata, false, subdomain_name);
  check_binding(errors, FieldPath("spec"), binding.spec);
}

void validate(FieldErrors& errors, const networkingv1::IPAddress& address, const Context&) {
  check_metadata(errors, address.metadata, false, address_name);
  const FieldPath at = FieldPath("spec").child("parentRef");
  if (!address.spec.parent_ref) return errors.required(at);
  if (!address.spec.parent_ref->group.empty())
    check_dns1123_subdomain(errors, at.child("group"), address.spec.parent_ref->group);
  if (address.spec.parent_ref->resource.empty()) {
    errors.required(at.child("resource"));
  } else {
    errors.invalid_each(at.child("resource"), address.spec.parent_ref->resource,
                        path_segment_name(address.spec.parent_ref->resource));
  }
  if (address.spec.parent_ref->name.empty()) {
    errors.required(at.child("name"));
  } else {
    errors.invalid_each(at.child("name"), address.spec.parent_ref->name,
                        path_segment_name(address.spec.parent_ref->name));
  }
}

}  // namespace kpp::validation
