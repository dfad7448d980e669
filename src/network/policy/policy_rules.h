// From network policies to rules. Pure: no process, no clock, no state.
#pragma once

#include "network/policy/policy_facts.h"
#include "network/ruleset.h"

namespace kpp::network {

// Adds what guards the pods of facts.node: nothing at all if no policy selects one.
//
// A packet on its way to or from a pod of this node meets, in this order:
//   forward       answers and running connections pass; a pod always reaches itself
//   e-...         a chain for each set of policies that isolate pods for egress: what none allows
//                 is dropped, what one allows goes on
//   ingress       the same for the pod that it is for
// What the node itself sends to its pods, and they to it, is not forwarded and so never refused.
// Pods that a rule names by labels are sets of addresses, shared by all rules that name them alike:
// a label that changes is one element that comes or goes.
void add_policy_rules(const PolicyFacts& facts, Ruleset& out);

}  // namespace kpp::network
