// The add-ons that every cluster has: DNS and kube-proxy.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "codec/json.h"
#include "kubeadm/config.h"

namespace kpp::kubeadm {

// Service kube-dns at the tenth address, Deployment of two, configuration, account and role.
Result<std::vector<json::Object>> dns_objects(const ClusterConfig& config);
// DaemonSet kube-proxy with its kubeconfig (a service account's), account and role. `server` is
// what nodes reach the API server by: the service's address needs kube-proxy first.
std::vector<json::Object> proxy_objects(const InitConfig& config, const std::string& server);

}  // namespace kpp::kubeadm
