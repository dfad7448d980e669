// NetworkPolicies.
#include <algorithm>

#include "validation/addresses.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

void check_port(FieldErrors& errors, const FieldPath& at,
                const networkingv1::NetworkPolicyPort& port) {
  if (port.protocol && *port.protocol != "TCP" && *port.protocol != "UDP" &&
      *port.protocol != "SCTP") {
    errors.not_supported(at.child("protocol"), *port.protocol, {"TCP", "UDP", "SCTP"});
  }
  const FieldPath end = at.child("endPort");
  if (!port.port) {
    if (port.end_port)
      errors.invalid(end, *port.end_port, "may not be specified when `port` is not specified");
    return;
  }
  if (port.port->is_string) {
    if (port.end_port)
      errors.invalid(end, *port.end_port, "may not be specified when `port` is non-numeric");
    errors.invalid_each(at.child("port"), *port.port, port_name(port.port->string_value));
    return;
  }
  errors.invalid_each(at.child("port"), *port.port, port_number(port.port->int_value));
  if (!port.end_port) return;
  if (*port.end_port < port.port->int_value) {
    errors.invalid(end, port.port->int_value, "must be greater than or equal to `port`");
  }
  errors.invalid_each(end, *port.end_port, port_number(*port.end_port));
}

void check_block(FieldErrors& errors, const FieldPath& at, const networkingv1::IPBlock& block) {
  if (block.cidr.empty()) return errors.required(at.child("cidr"));
  check_prefix(errors, at.child("cidr"), block.cidr);
  const std::optional<Prefix> whole = parse_prefix(block.cidr);
  if (!whole) return;
  for (std::size_t i = 0; i < block.except.size(); ++i) {
    const FieldPath here = at.child("except").index(i);
    check_prefix(errors, here, block.except[i]);
    const std::optional<Prefix> part = parse_prefix(block.except[i]);
    if (part && (!whole->contains(part->ip) || part->bits <= whole->bits)) {
      errors.invalid(here, block.except[i], "must be a strict subset of `cidr`");
    }
  }
}

void check_peers(FieldErrors& errors, const FieldPath& at,
                 const std::vector<networkingv1::NetworkPolicyPeer>& peers) {
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const networkingv1::NetworkPolicyPeer& peer = peers[i];
    const FieldPath here = at.index(i);
    if (peer.pod_selector) check_selector(errors, here.child("podSelector"), *peer.pod_selector);
    if (peer.namespace_selector)
      check_selector(errors, here.child("namespaceSelector"), *peer.namespace_selector);
    if (peer.ip_block) check_block(errors, here.child("ipBlock"), *peer.ip_block);
    const bool selects = peer.pod_selector.has_value() || peer.namespace_selector.has_value();
    if (!selects && !peer.ip_block) errors.required(here, "must specify a peer");
    if (selects && peer.ip_block)
      errors.forbidden(here, "may not specify both ipBlock and another peer");
  }
}

void check_ports(FieldErrors& errors, const FieldPath& at,
                 const std::vector<networkingv1::NetworkPolicyPort>& ports) {
  for (std::size_t i = 0; i < ports.size(); ++i) check_port(errors, at.index(i), ports[i]);
}

void check_spec(FieldErrors& errors, const networkingv1::NetworkPolicySpec& spec) {
  const FieldPath at("spec");
  check_selector(errors, at.child("podSelector"), spec.pod_selector);
  for (std::size_t i = 0; i < spec.ingress.size(); ++i) {
    const FieldPath here = at.child("ingress").index(i);
    check_ports(errors, here.child("ports"), spec.ingress[i].ports);
    check_peers(errors, here.child("from"), spec.ingress[i].from);
  }
  for (std::size_t i = 0; i < spec.egress.size(); ++i) {
    const FieldPath here = at.child("egress").index(i);
    check_ports(errors, here.child("ports"), spec.egress[i].ports);
    check_peers(errors, here.child("to"), spec.egress[i].to);
  }
  if (spec.policy_types.size() > 2) {
    errors.invalid(at.child("policyTypes"), spec.policy_types,
                   "may not specify more than two policyTypes");
    return;
  }
  for (std::size_t i = 0; i < spec.policy_types.size(); ++i) {
    if (spec.policy_types[i] != "Ingress" && spec.policy_types[i] != "Egress") {
      errors.not_supported(at.child("policyTypes").index(i), spec.policy_types[i],
                           {"Ingress", "Egress"});
    }
  }
}

}  // namespace

void validate(FieldErrors& errors, const networkingv1::NetworkPolicy& policy, const Context&) {
  check_metadata(errors, policy.metadata, true, subdomain_name);
  check_spec(errors, policy.spec);
}

void validate_change(FieldErrors& errors, const networkingv1::NetworkPolicy& policy,
                     const networkingv1::NetworkPolicy& old, const Context&) {
  check_metadata_update(errors, policy.metadata, old.metadata);
  check_spec(errors, policy.spec);
}

}  // namespace kpp::validation
