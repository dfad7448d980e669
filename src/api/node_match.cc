#include "api/node_match.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace kpp::api {
namespace {

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

bool matches(const corev1::NodeSelectorRequirement& wants, const std::string* value) {
  const auto listed = [&] {
    return value != nullptr &&
           std::find(wants.values.begin(), wants.values.end(), *value) != wants.values.end();
  };
  if (wants.operator_ == "In") return listed();
  if (wants.operator_ == "NotIn") return !listed();
  if (wants.operator_ == "Exists") return value != nullptr;
  if (wants.operator_ == "DoesNotExist") return value == nullptr;
  if (value == nullptr || wants.values.size() != 1) return false;
  const auto has = number(*value);
  const auto limit = number(wants.values.front());
  if (!has || !limit) return false;
  if (wants.operator_ == "Gt") return *has > *limit;
  if (wants.operator_ == "Lt") return *has < *limit;
  return false;
}

}  // namespace

bool tolerates(const corev1::Toleration& toleration, const corev1::Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.operator_ == "Exists") return true;
  if (toleration.operator_.empty() || toleration.operator_ == "Equal")
    return toleration.value == taint.value;
  const auto ours = number(toleration.value);
  const auto theirs = number(taint.value);
  if (!ours || !theirs) return false;
  if (toleration.operator_ == "Lt") return *theirs < *ours;
  if (toleration.operator_ == "Gt") return *theirs > *ours;
  return false;
}

bool any_tolerates(const std::vector<corev1::Toleration>& tolerations, const corev1::Taint& taint) {
  return std::any_of(
      tolerations.begin(), tolerations.end(),
      [&](const corev1::Toleration& toleration) { return tolerates(toleration, taint); });
}

bool matches(const corev1::NodeSelectorTerm& term, const corev1::Node& node) {
  if (term.match_expressions.empty() && term.match_fields.empty()) return false;
  for (const auto& wants : term.match_expressions) {
    const auto label = node.metadata.labels.find(wants.key);
    if (!matches(wants, label == node.metadata.labels.end() ? nullptr : &label->second))
      return false;
  }
  for (const auto& wants : term.match_fields) {
    if (wants.key != "metadata.name" || !matches(wants, &node.metadata.name)) return false;
  }
  return true;
}

bool matches(const corev1::NodeSelector& selector, const corev1::Node& node) {
  return std::any_of(selector.node_selector_terms.begin(), selector.node_selector_terms.end(),
                     [&](const auto& term) { return matches(term, node); });
}

bool fits_required_affinity(const corev1::PodSpec& spec, const corev1::Node& node) {
  for (const auto& [key, value] : spec.node_selector) {
    const auto label = node.metadata.labels.find(key);
    if (label == node.metadata.labels.end() || label->second != value) return false;
  }
  if (!spec.affinity || !spec.affinity->node_affinity) return true;
  const auto& required =
      spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  return !required || matches(*required, node);
}

}  // namespace kpp::api
