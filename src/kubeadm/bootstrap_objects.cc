#include "kubeadm/bootstrap_objects.h"

#include "codec/yaml.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::string_view kBootstrappers = "system:bootstrappers:kubeadm:default-node-token";

struct Subject {
  std::string_view kind;  // Group or User
  std::string_view name;
};

json::Array subject_list(const std::vector<Subject>& subjects) {
  json::Array out;
  for (const Subject& subject : subjects) {
    out.push_back(
        json::Object{{"apiGroup", kRbac}, {"kind", subject.kind}, {"name", subject.name}});
  }
  return out;
}

json::Object metadata(std::string_view name, std::string_view space) {
  json::Object out{{"name", name}};
  if (!space.empty()) out["namespace"] = space;
  return out;
}

json::Object binding(std::string_view name, std::string_view space, std::string_view role,
                     const std::vector<Subject>& subjects) {
  const bool cluster = space.empty();
  return {{"apiVersion", cat(kRbac, "/v1")},
          {"kind", cluster ? "ClusterRoleBinding" : "RoleBinding"},
          {"metadata", metadata(name, space)},
          {"roleRef",
           json::Object{
               {"apiGroup", kRbac}, {"kind", cluster ? "ClusterRole" : "Role"}, {"name", role}}},
          {"subjects", subject_list(subjects)}};
}

// A role for one object, or all of a kind.
json::Object role_for(std::string_view name, std::string_view space, std::string_view resource,
                      std::string_view object, json::Array verbs) {
  json::Object rule{{"apiGroups", json::Array{""}},
                    {"resources", json::Array{resource}},
                    {"verbs", std::move(verbs)}};
  if (!object.empty()) rule["resourceNames"] = json::Array{object};
  return {{"apiVersion", cat(kRbac, "/v1")},
          {"kind", space.empty() ? "ClusterRole" : "Role"},
          {"metadata", metadata(name, space)},
          {"rules", json::Array{std::move(rule)}}};
}

json::Object get_role(std::string_view name, std::string_view space, std::string_view resource,
                      std::string_view object) {
  return role_for(name, space, resource, object, {"get"});
}

json::Object config_map(std::string_view name, std::string_view key, std::string text) {
  return {{"apiVersion", "v1"},
          {"data", json::Object{{key, std::move(text)}}},
          {"kind", "ConfigMap"},
          {"metadata", metadata(name, "kube-system")}};
}

}  // namespace

std::vector<json::Object> role_for_joining(std::string_view role, std::string_view resource,
                                           std::string_view object, json::Array verbs) {
  return {role_for(role, "kube-system", resource, object, std::move(verbs)),
          binding(role, "kube-system", role, {{"Group", kBootstrappers}})};
}

std::vector<json::Object> shared_map(std::string_view map, std::string_view key, std::string text,
                                     std::string_view role, json::Array verbs) {
  return {
      config_map(map, key, std::move(text)),
      role_for(role, "kube-system", "configmaps", map, std::move(verbs)),
      binding(role, "kube-system", role, {{"Group", kBootstrappers}, {"Group", "system:nodes"}})};
}

json::Object cluster_admins_binding() {
  return binding("kubeadm:cluster-admins", "", "cluster-admin",
                 {{"Group", "kubeadm:cluster-admins"}});
}

std::vector<json::Object> config_objects(const ClusterConfig& config) {
  std::vector<json::Object> out =
      shared_map("kubeadm-config", "ClusterConfiguration", yaml::write(to_document(config)),
                 "kubeadm:nodes-kubeadm-config", {"get"});
  // The original's ClusterConfiguration has no word for it.
  if (config.store == StoreKind::kEmbedded) out[0]["data"].as_object()["Store"] = kEmbeddedStore;
  return out;
}

std::vector<json::Object> kubelet_config_objects(const std::string& kubelet_config_yaml) {
  return shared_map("kubelet-config", "kubelet", kubelet_config_yaml, "kubeadm:kubelet-config",
                    {"get"});
}

std::vector<json::Object> join_rbac_objects() {
  return {
      get_role("kubeadm:get-nodes", "", "nodes", ""),
      binding("kubeadm:get-nodes", "", "kubeadm:get-nodes", {{"Group", kBootstrappers}}),
      binding("kubeadm:kubelet-bootstrap", "", "system:node-bootstrapper",
              {{"Group", kBootstrappers}}),
      binding("kubeadm:node-autoapprove-bootstrap", "",
              "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
              {{"Group", kBootstrappers}}),
      binding("kubeadm:node-autoapprove-certificate-rotation", "",
              "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
              {{"Group", "system:nodes"}}),
  };
}

std::vector<json::Object> cluster_info_rbac_objects() {
  constexpr std::string_view kRole = "kubeadm:bootstrap-signer-clusterinfo";
  return {get_role(kRole, "kube-public", "configmaps", "cluster-info"),
          binding(kRole, "kube-public", kRole, {{"User", "system:anonymous"}})};
}

json::Object control_plane_node_patch(const std::vector<Taint>& taints, const json::Value& node,
                                      const std::string& cri_socket) {
  json::Array all;
  const auto same = [](const Taint& taint, const json::Value& other) {
    return json::text_at(other, "key") == taint.key &&
           json::text_at(other, "effect") == taint.effect;
  };
  for (const Taint& taint : taints) {
    json::Object item{{"effect", taint.effect}, {"key", taint.key}};
    if (!taint.value.empty()) item["value"] = taint.value;
    all.push_back(std::move(item));
  }
  // A merge patch replaces the list: what others put on the node stays in it.
  if (const json::Value* const present = json::find(node, "spec.taints");
      present != nullptr && present->is_array()) {
    for (const json::Value& other : present->get_array()) {
      bool ours = false;
      for (const Taint& taint : taints) ours = ours || same(taint, other);
      if (!ours) all.push_back(other);
    }
  }
  return {
      {"metadata",
       json::Object{
           {"annotations", json::Object{{"kubeadm.alpha.kubernetes.io/cri-socket", cri_socket}}},
           {"labels",
            json::Object{{"node-role.kubernetes.io/control-plane", ""},
                         {"node.kubernetes.io/exclude-from-external-load-balancers", ""}}}}},
      {"spec", json::Object{{"taints", std::move(all)}}}};
}

}  // namespace kpp::kubeadm
