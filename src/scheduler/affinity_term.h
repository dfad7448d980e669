// A pod's wish to stand beside other pods, or not to.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "api/selectors.h"

namespace kpp::scheduler {

// Labels of a namespace by its name; nullptr: not known.
using NamespaceLabels = std::function<const api::Labels*(const std::string& name)>;

// A term of pod affinity or anti-affinity, read once.
struct AffinityTerm {
  std::set<std::string> namespaces;
  std::optional<api::LabelSelector> namespace_selector;
  api::LabelSelector selector;
  std::string topology_key;
  std::int32_t weight = 1;

  // Whether the term means this pod.
  bool matches(const corev1::Pod& pod, const NamespaceLabels& namespaces_by_name) const;
};

// What a pod's spec says. A selector that cannot be read matches nothing.
struct PodAffinity {
  std::vector<AffinityTerm> required, required_anti, preferred, preferred_anti;

  explicit PodAffinity(const corev1::Pod& pod);
  bool empty() const {
    return required.empty() && required_anti.empty() && preferred.empty() && preferred_anti.empty();
  }
};

}  // namespace kpp::scheduler
