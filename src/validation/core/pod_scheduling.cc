#include "validation/core/pod_scheduling.h"

#include <algorithm>
#include <set>

#include "validation/formats.h"
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

void check_node_requirement(FieldErrors& errors, const FieldPath& at,
                            const corev1::NodeSelectorRequirement& requirement) {
  const std::string& op = requirement.operator_;
  if (op == "In" || op == "NotIn") {
    if (requirement.values.empty())
      errors.required(at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (!requirement.values.empty()) {
      errors.forbidden(at.child("values"),
                       "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else if (op == "Gt" || op == "Lt") {
    if (requirement.values.size() != 1) {
      errors.required(at.child("values"),
                      "must be specified single value when `operator` is 'Lt' or 'Gt'");
    }
  } else {
    errors.invalid(at.child("operator"), op, "not a valid selector operator");
  }
  check_label_key(errors, at.child("key"), requirement.key);
}

void check_node_field(FieldErrors& errors, const FieldPath& at,
                      const corev1::NodeSelectorRequirement& requirement) {
  if (requirement.operator_ == "In" || requirement.operator_ == "NotIn") {
    if (requirement.values.size() != 1) {
      errors.required(
          at.child("values"),
          "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
    }
  } else {
    errors.invalid(at.child("operator"), requirement.operator_, "not a valid selector operator");
  }
  if (requirement.key != "metadata.name") {
    errors.invalid(at.child("key"), requirement.key, "not a valid field selector key");
    return;
  }
  for (std::size_t i = 0; i < requirement.values.size(); ++i) {
    check_dns1123_subdomain(errors, at.child("values").index(i), requirement.values[i]);
  }
}

void check_label_keys(FieldErrors& errors, const FieldPath& at,
                      const std::vector<std::string>& keys,
                      const api::Opt<metav1::LabelSelector>& selector) {
  if (keys.empty()) return;
  if (!selector) errors.forbidden(at, "must not be specified when labelSelector is not set");
  for (std::size_t i = 0; i < keys.size(); ++i) check_label_key(errors, at.index(i), keys[i]);
}

void check_affinity_term(FieldErrors& errors, const FieldPath& at,
                         const corev1::PodAffinityTerm& term) {
  if (term.label_selector) check_selector(errors, at.child("labelSelector"), *term.label_selector);
  if (term.namespace_selector)
    check_selector(errors, at.child("namespaceSelector"), *term.namespace_selector);
  for (const std::string& name : term.namespaces)
    check_dns1123_label(errors, at.child("namespace"), name);
  check_label_keys(errors, at.child("matchLabelKeys"), term.match_label_keys, term.label_selector);
  check_label_keys(errors, at.child("mismatchLabelKeys"), term.mismatch_label_keys,
                   term.label_selector);
  for (std::size_t i = 0; i < term.match_label_keys.size(); ++i) {
    if (contains(term.mismatch_label_keys, term.match_label_keys[i])) {
      errors.invalid(at.child("matchLabelKeys").index(i), term.match_label_keys[i],
                     "exists in both matchLabelKeys and mismatchLabelKeys");
    }
  }
  if (term.topology_key.empty()) errors.required(at.child("topologyKey"), "can not be empty");
  check_label_key(errors, at.child("topologyKey"), term.topology_key);
}

template <class Affinity>
void check_pod_affinity(FieldErrors& errors, const FieldPath& at, const Affinity& affinity) {
  const FieldPath required = at.child("requiredDuringSchedulingIgnoredDuringExecution");
  const FieldPath preferred = at.child("preferredDuringSchedulingIgnoredDuringExecution");
  for (std::size_t i = 0; i < affinity.required_during_scheduling_ignored_during_execution.size();
       ++i) {
    check_affinity_term(errors, required.index(i),
                        affinity.required_during_scheduling_ignored_during_execution[i]);
  }
  for (std::size_t i = 0; i < affinity.preferred_during_scheduling_ignored_during_execution.size();
       ++i) {
    const auto& term = affinity.preferred_during_scheduling_ignored_during_execution[i];
    if (term.weight <= 0 || term.weight > 100) {
      errors.invalid(preferred.index(i).child("weight"), term.weight, "must be in the range 1-100");
    }
    check_affinity_term(errors, preferred.index(i).child("podAffinityTerm"),
                        term.pod_affinity_term);
  }
}

}  // namespace

void check_node_selector_term(FieldErrors& errors, const FieldPath& at,
                              const corev1::NodeSelectorTerm& term) {
  for (std::size_t i = 0; i < term.match_expressions.size(); ++i) {
    check_node_requirement(errors, at.child("matchExpressions").index(i),
                           term.match_expressions[i]);
  }
  for (std::size_t i = 0; i < term.match_fields.size(); ++i) {
    check_node_field(errors, at.child("matchFields").index(i), term.match_fields[i]);
  }
}

void check_node_selector(FieldErrors& errors, const FieldPath& at,
                         const corev1::NodeSelector& selector) {
  const FieldPath terms = at.child("nodeSelectorTerms");
  if (selector.node_selector_terms.empty())
    return errors.required(terms, "must have at least one node selector term");
  for (std::size_t i = 0; i < selector.node_selector_terms.size(); ++i) {
    check_node_selector_term(errors, terms.index(i), selector.node_selector_terms[i]);
  }
}

void check_affinity(FieldErrors& errors, const FieldPath& at,
                    const api::Opt<corev1::Affinity>& affinity) {
  if (!affinity) return;
  if (affinity->node_affinity) {
    const corev1::NodeAffinity& node = *affinity->node_affinity;
    const FieldPath here = at.child("nodeAffinity");
    if (node.required_during_scheduling_ignored_during_execution) {
      check_node_selector(errors, here.child("requiredDuringSchedulingIgnoredDuringExecution"),
                          *node.required_during_scheduling_ignored_during_execution);
    }
    const FieldPath preferred = here.child("preferredDuringSchedulingIgnoredDuringExecution");
    for (std::size_t i = 0; i < node.preferred_during_scheduling_ignored_during_execution.size();
         ++i) {
      const corev1::PreferredSchedulingTerm& term =
          node.preferred_during_scheduling_ignored_during_execution[i];
      if (term.weight <= 0 || term.weight > 100) {
        errors.invalid(preferred.index(i).child("weight"), term.weight,
                       "must be in the range 1-100");
      }
      check_node_selector_term(errors, preferred.index(i).child("preference"), term.preference);
    }
  }
  if (affinity->pod_affinity)
    check_pod_affinity(errors, at.child("podAffinity"), *affinity->pod_affinity);
  if (affinity->pod_anti_affinity)
    check_pod_affinity(errors, at.child("podAntiAffinity"), *affinity->pod_anti_affinity);
}

void check_tolerations(FieldErrors& errors, const FieldPath& at,
                       const std::vector<corev1::Toleration>& tolerations) {
  for (std::size_t i = 0; i < tolerations.size(); ++i) {
    const corev1::Toleration& toleration = tolerations[i];
    const FieldPath here = at.index(i);
    if (!toleration.key.empty()) check_label_key(errors, here.child("key"), toleration.key);
    if (toleration.key.empty() && toleration.operator_ != "Exists") {
      errors.invalid(here.child("operator"), toleration.operator_,
                     "operator must be Exists when `key` is empty, which means \"match all values "
                     "and all keys\"");
    }
    if (toleration.toleration_seconds && toleration.effect != "NoExecute") {
      errors.invalid(here.child("effect"), toleration.effect,
                     "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (toleration.operator_ == "Equal" || toleration.operator_.empty()) {
      const Messages wrong = label_value(toleration.value);
      if (!wrong.empty())
        errors.invalid(here.child("operator"), toleration.value, join(wrong, ";"));
    } else if (toleration.operator_ == "Exists") {
      if (!toleration.value.empty()) {
        errors.invalid(here.child("operator"), go_value(toleration),
                       "value must be empty when `operator` is 'Exists'");
      }
    } else {
      errors.not_supported(here.child("operator"), toleration.operator_, {"Equal", "Exists"});
    }
    if (!toleration.effect.empty() && toleration.effect != "NoSchedule" &&
        toleration.effect != "PreferNoSchedule" && toleration.effect != "NoExecute") {
      errors.not_supported(here.child("effect"), toleration.effect,
                           {"NoSchedule", "PreferNoSchedule", "NoExecute"});
    }
  }
}

void check_spread(FieldErrors& errors, const FieldPath& at,
                  const std::vector<corev1::TopologySpreadConstraint>& constraints) {
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    const corev1::TopologySpreadConstraint& constraint = constraints[i];
    const FieldPath here = at.index(i);
    if (constraint.max_skew <= 0)
      errors.invalid(here.child("maxSkew"), constraint.max_skew, "must be greater than zero");
    if (constraint.topology_key.empty()) {
      errors.required(here.child("topologyKey"), "can not be empty");
    } else {
      check_label_key(errors, here.child("topologyKey"), constraint.topology_key);
    }
    if (constraint.when_unsatisfiable != "DoNotSchedule" &&
        constraint.when_unsatisfiable != "ScheduleAnyway") {
      errors.not_supported(here.child("whenUnsatisfiable"), constraint.when_unsatisfiable,
                           {"DoNotSchedule", "ScheduleAnyway"});
    }
    for (std::size_t k = i + 1; k < constraints.size(); ++k) {
      if (constraints[k].topology_key == constraint.topology_key &&
          constraints[k].when_unsatisfiable == constraint.when_unsatisfiable) {
        errors.duplicate(
            here.child("{topologyKey, whenUnsatisfiable}"),
            cat("{", constraint.topology_key, ", ", constraint.when_unsatisfiable, "}"));
        break;
      }
    }
    if (constraint.min_domains) {
      if (*constraint.min_domains <= 0) {
        errors.invalid(here.child("minDomains"), *constraint.min_domains,
                       "must be greater than zero");
      }
      if (constraint.when_unsatisfiable != "DoNotSchedule") {
        errors.invalid(here.child("minDomains"), *constraint.min_domains,
                       cat("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ",
                           constraint.when_unsatisfiable));
      }
    }
    const auto policy = [&](std::string_view field, const std::optional<std::string>& value) {
      if (value && *value != "Honor" && *value != "Ignore") {
        errors.not_supported(here.child(field), *value, {"Honor", "Ignore"});
      }
    };
    policy("nodeAffinityPolicy", constraint.node_affinity_policy);
    policy("nodeTaintsPolicy", constraint.node_taints_policy);
    if (!constraint.match_label_keys.empty()) {
      const FieldPath keys = here.child("matchLabelKeys");
      if (!constraint.label_selector)
        errors.forbidden(keys, "must not be specified when labelSelector is not set");
      for (std::size_t k = 0; k < constraint.match_label_keys.size(); ++k) {
        const std::string& key = constraint.match_label_keys[k];
        check_label_key(errors, keys.index(k), key);
      }
    }
    if (constraint.label_selector)
      check_selector(errors, here.child("labelSelector"), *constraint.label_selector);
  }
}

void check_scheduling_gates(FieldErrors& errors, const FieldPath& at,
                            const std::vector<corev1::PodSchedulingGate>& gates) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    errors.invalid_each(at.index(i), gates[i].name, qualified_name(gates[i].name));
    if (!seen.insert(gates[i].name).second) errors.duplicate(at.index(i), gates[i].name);
  }
}

void check_pod_claims(FieldErrors& errors, const FieldPath& at,
                      const std::vector<corev1::PodResourceClaim>& claims) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const corev1::PodResourceClaim& claim = claims[i];
    const FieldPath here = at.index(i);
    if (claim.name.empty()) {
      errors.required(here.child("name"));
    } else if (!names.insert(claim.name).second) {
      errors.duplicate(here.child("name"), claim.name);
    } else {
      check_dns1123_label(errors, here.child("name"), claim.name);
    }
    if (claim.resource_claim_name && claim.resource_claim_template_name) {
      errors.invalid(
          here, go_value(claim),
          "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
    }
    if (!claim.resource_claim_name && !claim.resource_claim_template_name) {
      errors.invalid(here, go_value(claim),
                     "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
    }
    if (claim.resource_claim_name)
      check_dns1123_subdomain(errors, here.child("resourceClaimName"), *claim.resource_claim_name);
    if (claim.resource_claim_template_name) {
      check_dns1123_subdomain(errors, here.child("resourceClaimTemplateName"),
                              *claim.resource_claim_template_name);
    }
  }
}

}  // namespace kpp::validation
