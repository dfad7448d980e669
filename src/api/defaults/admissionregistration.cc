// The group admissionregistration.k8s.io.
#include "api/admissionregistrationv1.h"
#include "api/defaults/rules.h"

namespace kpp::api::defaults {
namespace {

using namespace admissionregistrationv1;

template <class W>
void webhook(W& hook) {
  set(hook.failure_policy, "Fail");
  set(hook.match_policy, "Equivalent");
  hook.namespace_selector.ensure();
  hook.object_selector.ensure();
  set(hook.timeout_seconds, 10);
}
void mutating_webhook(MutatingWebhook& hook) {
  webhook(hook);
  set(hook.reinvocation_policy, "Never");
}
void match_rule(admissionregistrationv1::Rule& match) { set(match.scope, "*"); }
void service(ServiceReference& reference) { set(reference.port, 443); }
template <class S>
void policy(S& spec) {
  set(spec.failure_policy, "Fail");
}
void match_resources(MatchResources& match) {
  set(match.match_policy, "Equivalent");
  match.namespace_selector.ensure();
  match.object_selector.ensure();
}

constexpr defaults::Rule kRules[] = {
    rule<ValidatingWebhook, webhook<ValidatingWebhook>>(),
    rule<MutatingWebhook, mutating_webhook>(),
    rule<admissionregistrationv1::Rule, match_rule>(),
    rule<ServiceReference, service>(),
    rule<ValidatingAdmissionPolicySpec, policy<ValidatingAdmissionPolicySpec>>(),
    rule<MutatingAdmissionPolicySpec, policy<MutatingAdmissionPolicySpec>>(),
    rule<MatchResources, match_resources>(),
};

}  // namespace

std::span<const defaults::Rule> admissionregistration_rules() { return kRules; }

}  // namespace kpp::api::defaults
