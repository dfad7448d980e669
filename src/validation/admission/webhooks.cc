// ValidatingWebhookConfigurations and MutatingWebhookConfigurations.
#include <set>

#include "validation/admission/match_rules.h"
#include "validation/admission/webhook_clients.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

using admissionregistrationv1::MutatingWebhook;

void check_name(FieldErrors& errors, const FieldPath& at, const std::string& name) {
  if (name.empty()) return errors.required(at);
  if (const Messages why = dns1123_subdomain(name); !why.empty())
    return errors.invalid(at, name, join(why, ","));
  if (std::count(name.begin(), name.end(), '.') < 2) {
    errors.invalid(at, name, "should be a domain with at least three segments separated by dots");
  }
}

void check_side_effects(FieldErrors& errors, const FieldPath& at,
                        const std::optional<std::string>& effects) {
  if (!effects) return errors.required(at, "must specify one of None, NoneOnDryRun");
  if (*effects != "None" && *effects != "NoneOnDryRun")
    errors.not_supported(at, *effects, {"None", "NoneOnDryRun"});
}

void check_review_versions(FieldErrors& errors, const FieldPath& at,
                           const std::vector<std::string>& versions) {
  if (versions.empty()) return errors.required(at, "must specify one of v1, v1beta1");
  std::set<std::string_view> seen;
  bool known = false;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    if (!seen.insert(versions[i]).second) {
      errors.invalid(at.index(i), versions[i], "duplicate version");
      continue;
    }
    errors.invalid_each(at.index(i), versions[i], dns1035_label(versions[i]));
    known = known || versions[i] == "v1" || versions[i] == "v1beta1";
  }
  if (!known) errors.invalid(at, versions, "must include at least one of v1, v1beta1");
}

template <class Webhook>
void check_webhook(FieldErrors& errors, const FieldPath& at, const Webhook& hook) {
  check_name(errors, at.child("name"), hook.name);
  for (std::size_t i = 0; i < hook.rules.size(); ++i)
    check_rule(errors, at.child("rules").index(i), hook.rules[i]);
  if (hook.failure_policy)
    check_choice(errors, at.child("failurePolicy"), hook.failure_policy, {"Fail", "Ignore"});
  if (hook.match_policy)
    check_choice(errors, at.child("matchPolicy"), hook.match_policy, {"Equivalent", "Exact"});
  check_side_effects(errors, at.child("sideEffects"), hook.side_effects);
  if (hook.timeout_seconds && (*hook.timeout_seconds > 30 || *hook.timeout_seconds < 1)) {
    errors.invalid(at.child("timeoutSeconds"), *hook.timeout_seconds,
                   "the timeout value must be between 1 and 30 seconds");
  }
  if (hook.namespace_selector)
    check_selector(errors, at.child("namespaceSelector"), *hook.namespace_selector);
  if (hook.object_selector)
    check_selector(errors, at.child("objectSelector"), *hook.object_selector);
  if constexpr (std::is_same_v<Webhook, MutatingWebhook>) {
    if (hook.reinvocation_policy) {
      check_choice(errors, at.child("reinvocationPolicy"), hook.reinvocation_policy,
                   {"IfNeeded", "Never"});
    }
  }
  const FieldPath client = at.child("clientConfig");
  if (hook.client_config.url.has_value() == static_cast<bool>(hook.client_config.service)) {
    errors.required(client, "exactly one of url or service is required");
  } else if (hook.client_config.url) {
    check_webhook_url(errors, client.child("url"), *hook.client_config.url);
  } else {
    const auto& service = *hook.client_config.service;
    check_webhook_service(errors, client.child("service"), service.name, service.namespace_,
                          service.path, service.port.value_or(443));
  }
  check_match_conditions(errors, at.child("matchConditions"), hook.match_conditions);
}

template <class Configuration>
void check_webhooks(FieldErrors& errors, const Configuration& configuration) {
  check_metadata(errors, configuration.metadata, false, subdomain_name);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < configuration.webhooks.size(); ++i) {
    const FieldPath at = FieldPath("webhooks").index(i);
    const auto& hook = configuration.webhooks[i];
    check_webhook(errors, at, hook);
    check_review_versions(errors, at.child("admissionReviewVersions"),
                          hook.admission_review_versions);
    if (!hook.name.empty() && !seen.insert(hook.name).second)
      errors.duplicate(at.child("name"), hook.name);
  }
}

}  // namespace

void validate(FieldErrors& errors,
              const admissionregistrationv1::MutatingWebhookConfiguration& configuration,
              const Context&) {
  check_webhooks(errors, configuration);
}

void validate(FieldErrors& errors,
              const admissionregistrationv1::ValidatingWebhookConfiguration& configuration,
              const Context&) {
  check_webhooks(errors, configuration);
}

}  // namespace kpp::validation
