#include <string>

#include "apiserver/table/printers.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

// As the original's structs print themselves.
std::string debug_text(const metav1::LabelSelector& selector) {
  std::string out = "&LabelSelector{MatchLabels:map[string]string{";
  for (const auto& [key, value] : selector.match_labels) out += cat(key, ": ", value, ',');
  out += "},MatchExpressions:[]LabelSelectorRequirement{";
  for (const auto& e : selector.match_expressions)
    out += cat("LabelSelectorRequirement{Key:", e.key, ",Operator:", e.operator_, ",Values:[",
               join(e.values, " "), "],},");
  return out + "},}";
}

std::string param_kind(const api::Opt<admissionregistrationv1::ParamKind>& kind) {
  return kind ? cat(kind->api_version, '/', kind->kind) : std::string(kUnset);
}

std::string param_ref(const api::Opt<admissionregistrationv1::ParamRef>& ref) {
  if (!ref) return std::string(kUnset);
  if (!ref->name.empty())
    return ref->namespace_.empty() ? ref->name : cat(ref->namespace_, '/', ref->name);
  return ref->selector ? debug_text(*ref->selector) : std::string(kUnset);
}

std::int64_t count(const auto& list) { return static_cast<std::int64_t>(list.size()); }

}  // namespace

void mutating_policy_row(const admissionregistrationv1::MutatingAdmissionPolicy& policy, Row& row) {
  row.text(policy.metadata.name)
      .number(count(policy.spec.mutations))
      .text(param_kind(policy.spec.param_kind))
      .age(policy.metadata);
}

void mutating_policy_binding_row(
    const admissionregistrationv1::MutatingAdmissionPolicyBinding& binding, Row& row) {
  row.text(binding.metadata.name)
      .text(binding.spec.policy_name)
      .text(param_ref(binding.spec.param_ref))
      .age(binding.metadata);
}

void mutating_webhook_row(const admissionregistrationv1::MutatingWebhookConfiguration& hooks,
                          Row& row) {
  row.text(hooks.metadata.name).number(count(hooks.webhooks)).age(hooks.metadata);
}

void validating_policy_row(const admissionregistrationv1::ValidatingAdmissionPolicy& policy,
                           Row& row) {
  row.text(policy.metadata.name)
      .number(count(policy.spec.validations))
      .text(param_kind(policy.spec.param_kind))
      .age(policy.metadata);
}

void validating_policy_binding_row(
    const admissionregistrationv1::ValidatingAdmissionPolicyBinding& binding, Row& row) {
  row.text(binding.metadata.name)
      .text(binding.spec.policy_name)
      .text(param_ref(binding.spec.param_ref))
      .age(binding.metadata);
}

void validating_webhook_row(const admissionregistrationv1::ValidatingWebhookConfiguration& hooks,
                            Row& row) {
  row.text(hooks.metadata.name).number(count(hooks.webhooks)).age(hooks.metadata);
}

}  // namespace kpp::apiserver
