// What a cluster holds so that machines can join it, and so that they are what they should be.
#pragma once

#include <string>
#include <vector>

#include "codec/json.h"
#include "kubeadm/config.h"

namespace kpp::kubeadm {

// The binding that makes admin.conf the administrator's: kubeadm:cluster-admins.
json::Object cluster_admins_binding();

// In the ConfigMap kubeadm-config, beside the ClusterConfiguration: the entry Store is this where
// the API server keeps its objects itself.
inline constexpr std::string_view kEmbeddedStore = "embedded";

// ConfigMap kubeadm-config with the roles to read it.
std::vector<json::Object> config_objects(const ClusterConfig& config);
// ConfigMap kubelet-config with the roles to read it.
std::vector<json::Object> kubelet_config_objects(const std::string& kubelet_config_yaml);

// Roles and bindings for joining: get nodes, post CSRs, automatic approval, rotation.
std::vector<json::Object> join_rbac_objects();
// The role that lets everybody read cluster-info.
std::vector<json::Object> cluster_info_rbac_objects();

// The merge patch that makes a node one of the control plane.
json::Object control_plane_node_patch(const std::vector<Taint>& taints, const json::Value& node,
                                      const std::string& cri_socket);

// The role and binding with which joining machines do `verbs` to one object of kube-system.
std::vector<json::Object> role_for_joining(std::string_view role, std::string_view resource,
                                           std::string_view object, json::Array verbs);
// A ConfigMap of kube-system with one entry, and the role and binding with which joining machines
// and nodes do `verbs` to it.
std::vector<json::Object> shared_map(std::string_view map, std::string_view key, std::string text,
                                     std::string_view role, json::Array verbs);

}  // namespace kpp::kubeadm
