#include "scheduler/affinity_term.h"

namespace kpp::scheduler {
namespace {

AffinityTerm read(const corev1::PodAffinityTerm& term, const corev1::Pod& owner) {
  AffinityTerm out;
  out.namespaces.insert(term.namespaces.begin(), term.namespaces.end());
  if (term.namespace_selector) {
    auto selector = api::LabelSelector::from(*term.namespace_selector);
    out.namespace_selector = selector ? std::move(*selector) : api::LabelSelector::nothing();
  } else if (out.namespaces.empty()) {
    out.namespaces.insert(owner.metadata.namespace_);
  }
  auto selector = api::LabelSelector::from(term.label_selector);
  out.selector = selector ? std::move(*selector) : api::LabelSelector::nothing();
  out.topology_key = term.topology_key;
  return out;
}

std::vector<AffinityTerm> read(const std::vector<corev1::PodAffinityTerm>& terms,
                               const corev1::Pod& owner) {
  std::vector<AffinityTerm> out;
  for (const auto& term : terms) out.push_back(read(term, owner));
  return out;
}

std::vector<AffinityTerm> read(const std::vector<corev1::WeightedPodAffinityTerm>& terms,
                               const corev1::Pod& owner) {
  std::vector<AffinityTerm> out;
  for (const auto& term : terms) {
    out.push_back(read(term.pod_affinity_term, owner));
    out.back().weight = term.weight;
  }
  return out;
}

}  // namespace

bool AffinityTerm::matches(const corev1::Pod& pod,
                           const NamespaceLabels& namespaces_by_name) const {
  bool inside = namespaces.contains(pod.metadata.namespace_);
  if (!inside && namespace_selector) {
    inside = namespace_selector->empty();
    if (!inside) {
      const api::Labels* labels = namespaces_by_name(pod.metadata.namespace_);
      inside = labels != nullptr && namespace_selector->matches(*labels);
    }
  }
  return inside && selector.matches(pod.metadata.labels);
}

PodAffinity::PodAffinity(const corev1::Pod& pod) {
  if (!pod.spec.affinity) return;
  if (const auto& with = pod.spec.affinity->pod_affinity) {
    required = read(with->required_during_scheduling_ignored_during_execution, pod);
    preferred = read(with->preferred_during_scheduling_ignored_during_execution, pod);
  }
  if (const auto& apart = pod.spec.affinity->pod_anti_affinity) {
    required_anti = read(apart->required_during_scheduling_ignored_during_execution, pod);
    preferred_anti = read(apart->preferred_during_scheduling_ignored_during_execution, pod);
  }
}

}  // namespace kpp::scheduler
