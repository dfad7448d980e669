// What network policies are made into rules from.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "api/networkingv1.h"
#include "api/selectors.h"

namespace kpp::network {

struct NamedPort {
  std::string name;
  std::string protocol;
  int number = 0;
  friend bool operator==(const NamedPort&, const NamedPort&) = default;
};

// A pod that has an address of its own.
struct PodFacts {
  std::string namespace_;
  std::string node;
  std::string address;
  api::Labels labels;
  std::vector<NamedPort> ports;
  friend bool operator==(const PodFacts&, const PodFacts&) = default;
};

// Nothing for a pod that has no IPv4 address yet, has the node's, or has ended: its address may be
// another pod's by now.
std::optional<PodFacts> facts_of(const corev1::Pod& pod);

struct PolicyFacts {
  std::string node;  // whose pods are to be guarded
  std::vector<std::shared_ptr<const networkingv1::NetworkPolicy>> policies;
  std::vector<PodFacts> pods;  // of the whole cluster
  std::map<std::string, api::Labels> namespaces;
};

}  // namespace kpp::network
