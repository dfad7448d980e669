// The groups networking.k8s.io and discovery.k8s.io.
#include "api/defaults/rules.h"
#include "api/discoveryv1.h"
#include "api/networkingv1.h"

namespace kpp::api::defaults {
namespace {

void policy_port(networkingv1::NetworkPolicyPort& port) { set(port.protocol, "TCP"); }

void policy(networkingv1::NetworkPolicy& object) {
  auto& spec = object.spec;
  if (!spec.policy_types.empty()) return;
  spec.policy_types = {"Ingress"};
  if (!spec.egress.empty()) spec.policy_types.emplace_back("Egress");
}

void ingress_class(networkingv1::IngressClass& object) {
  if (object.spec.parameters) set(object.spec.parameters->scope, "Cluster");
}

void slice_port(discoveryv1::EndpointPort& port) {
  set(port.name, "");
  set(port.protocol, "TCP");
}

constexpr Rule kRules[] = {
    rule<networkingv1::NetworkPolicyPort, policy_port>(),
    rule<networkingv1::NetworkPolicy, policy>(),
    rule<networkingv1::IngressClass, ingress_class>(),
    rule<discoveryv1::EndpointPort, slice_port>(),
};

}  // namespace

std::span<const Rule> networking_rules() { return kRules; }

}  // namespace kpp::api::defaults
