// The environment of a container, from all its sources.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/corev1.h"
#include "base/status.h"
#include "kubelet/container/field_path.h"

namespace kpp::kubelet {

// The ConfigMaps and Secrets of one namespace that were looked up; null: there is none of that
// name.
struct ConfigSnapshot {
  std::map<std::string, std::shared_ptr<const corev1::ConfigMap>> config_maps;
  std::map<std::string, std::shared_ptr<const corev1::Secret>> secrets;
};

struct EnvironmentInput {
  const corev1::Pod& pod;
  const corev1::Container& container;
  const PodFacts& facts;
  const ConfigSnapshot& objects;
  const std::vector<std::shared_ptr<const corev1::Service>>& services;  // of all namespaces
  const std::string& master_service_namespace;
};

using Environment = std::vector<std::pair<std::string, std::string>>;

// Errors carry the original's text: configmap "x" not found; couldn't find key k in ConfigMap ns/x.
Result<Environment> make_environment(const EnvironmentInput& input);

// Names of the ConfigMaps and Secrets that the container's environment refers to.
void collect_references(const corev1::Container& container, std::vector<std::string>& config_maps,
                        std::vector<std::string>& secrets);

// SVC_SERVICE_HOST and its kin, for one service.
Environment service_environment(const corev1::Service& service);

}  // namespace kpp::kubelet
