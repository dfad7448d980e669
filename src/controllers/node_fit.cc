#include "controllers/node_fit.h"

#include <algorithm>

#include "api/selectors.h"

namespace kpp::controllers {
namespace {

using Operator = api::LabelSelector::Operator;

std::optional<Operator> operator_of(const std::string& text) {
  if (text == "In") return Operator::kIn;
  if (text == "NotIn") return Operator::kNotIn;
  if (text == "Exists") return Operator::kExists;
  if (text == "DoesNotExist") return Operator::kDoesNotExist;
  if (text == "Gt") return Operator::kGreater;
  if (text == "Lt") return Operator::kLess;
  return std::nullopt;
}

bool all_match(const std::vector<corev1::NodeSelectorRequirement>& requirements,
               const api::Labels& labels) {
  return std::all_of(requirements.begin(), requirements.end(), [&](const auto& r) {
    const auto op = operator_of(r.operator_);
    if (!op) return false;
    const api::LabelSelector::Requirement requirement{
        r.key, *op, std::set<std::string>(r.values.begin(), r.values.end())};
    return requirement.matches(labels);
  });
}

}  // namespace

bool tolerates(const corev1::Toleration& toleration, const corev1::Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.operator_ == "Exists") return true;
  return (toleration.operator_.empty() || toleration.operator_ == "Equal") &&
         toleration.value == taint.value;
}

bool has_untolerated_taint(const std::vector<corev1::Taint>& taints,
                           const std::vector<corev1::Toleration>& tolerations,
                           bool no_execute_only) {
  return std::any_of(taints.begin(), taints.end(), [&](const auto& taint) {
    const bool counts =
        taint.effect == "NoExecute" || (!no_execute_only && taint.effect == "NoSchedule");
    return counts && std::none_of(tolerations.begin(), tolerations.end(),
                                  [&](const auto& t) { return tolerates(t, taint); });
  });
}

bool matches(const corev1::NodeSelector& selector, const corev1::Node& node) {
  return std::any_of(selector.node_selector_terms.begin(), selector.node_selector_terms.end(),
                     [&](const auto& term) {
                       if (term.match_expressions.empty() && term.match_fields.empty())
                         return false;
                       return all_match(term.match_expressions, node.metadata.labels) &&
                              all_match(term.match_fields, {{"metadata.name", node.metadata.name}});
                     });
}

bool fits_required_affinity(const corev1::PodSpec& spec, const corev1::Node& node) {
  for (const auto& [key, value] : spec.node_selector) {
    const auto it = node.metadata.labels.find(key);
    if (it == node.metadata.labels.end() || it->second != value) return false;
  }
  if (!spec.affinity || !spec.affinity->node_affinity) return true;
  const auto& required =
      spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  return !required || matches(*required, node);
}

}  // namespace kpp::controllers
