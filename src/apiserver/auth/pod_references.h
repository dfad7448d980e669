// The other objects of its namespace that a pod needs.
#pragma once

#include <set>
#include <string>

#include "api/corev1.h"

namespace kpp::apiserver {

struct PodReferences {
  std::set<std::string, std::less<>> secrets, config_maps, claims, resource_claims;
  std::string service_account;  // empty: none
};

PodReferences references_of(const corev1::Pod& pod);

}  // namespace kpp::apiserver
