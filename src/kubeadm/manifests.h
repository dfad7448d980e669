// The static pods of a control plane.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/json.h"
#include "kubeadm/config.h"
#include "kubeadm/phases.h"
#include "kubeadm/printer.h"

namespace kpp::kubeadm {

// Flags of a component, sorted by name, each "--name=value"; what the configuration says wins.
std::vector<std::string> api_server_flags(const InitConfig& config);
std::vector<std::string> controller_manager_flags(const InitConfig& config);
std::vector<std::string> scheduler_flags(const InitConfig& config);
std::vector<std::string> etcd_flags(const InitConfig& config);

// The pod of a component: kube-apiserver, kube-controller-manager, kube-scheduler, etcd.
json::Object static_pod(std::string_view component, const InitConfig& config);

// The pod as its file holds it: with the person's patches. kInvalid for a patch that does not
// apply.
Result<std::string> manifest_text(std::string_view component, const InitConfig& config,
                                  const Printer& print);

// Writes etcd.yaml (0600), and makes etcd's directory.
Status write_etcd_manifest(const InitConfig& config, const std::string& directory,
                           const Printer& print);
// Writes those of the API server, the controller manager and the scheduler (0600).
Status write_manifests(const InitConfig& config, const std::string& directory,
                       const PhaseChoice& choice, const Printer& print);

}  // namespace kpp::kubeadm
