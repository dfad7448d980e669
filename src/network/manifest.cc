#include "network/manifest.h"

#include "base/cat.h"
#include "codec/json.h"
#include "codec/yaml.h"

namespace kpp::network {
namespace {

constexpr std::string_view kName = "kpp-net";
constexpr std::string_view kNamespace = "kube-system";
constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::string_view kSettings = "/etc/kpp-net";
constexpr std::string_view kCni = "/etc/cni/net.d";

json::Object labels() { return {{"k8s-app", kName}}; }

json::Object object(std::string_view api_version, std::string_view kind, bool namespaced) {
  json::Object metadata{{"name", kName}};
  if (namespaced) metadata["namespace"] = kNamespace;
  metadata["labels"] = labels();
  return {{"apiVersion", api_version}, {"kind", kind}, {"metadata", std::move(metadata)}};
}

json::Object rule(std::string_view group, json::Array resources, json::Array verbs) {
  return {{"apiGroups", json::Array{group}},
          {"resources", std::move(resources)},
          {"verbs", std::move(verbs)}};
}

json::Object role() {
  json::Object out = object(cat(kRbac, "/v1"), "ClusterRole", false);
  // Its own annotations; the subresource leaves the rest of a node alone.
  out["rules"] = json::Array{
      rule("", json::Array{"nodes", "pods", "namespaces"}, json::Array{"list", "watch"}),
      rule("", json::Array{"nodes/status"}, json::Array{"patch"}),
      rule("networking.k8s.io", json::Array{"networkpolicies"}, json::Array{"list", "watch"})};
  return out;
}

json::Object binding() {
  json::Object out = object(cat(kRbac, "/v1"), "ClusterRoleBinding", false);
  out["roleRef"] = json::Object{{"apiGroup", kRbac}, {"kind", "ClusterRole"}, {"name", kName}};
  out["subjects"] = json::Array{
      json::Object{{"kind", "ServiceAccount"}, {"name", kName}, {"namespace", kNamespace}}};
  return out;
}

json::Object settings() {
  json::Object out = object("v1", "ConfigMap", true);
  out["data"] = json::Object{{"mode", "vxlan"}};
  return out;
}

json::Object container(const std::string& image) {
  return {
      {"name", kName},
      {"image", image},
      {"imagePullPolicy", "IfNotPresent"},
      {"command", json::Array{"/usr/local/bin/kpp-net", "--node-name=$(NODE_NAME)",
                              cat("--settings=", kSettings)}},
      {"env", json::Array{json::Object{
                  {"name", "NODE_NAME"},
                  {"valueFrom",
                   json::Object{{"fieldRef", json::Object{{"fieldPath", "spec.nodeName"}}}}}}}},
      {"resources", json::Object{{"requests", json::Object{{"cpu", "50m"}, {"memory", "20Mi"}}}}},
      {"securityContext",
       json::Object{{"allowPrivilegeEscalation", false},
                    {"capabilities", json::Object{{"add", json::Array{"NET_ADMIN", "NET_RAW"}},
                                                  {"drop", json::Array{"ALL"}}}}}},
      {"volumeMounts", json::Array{json::Object{{"name", "cni"}, {"mountPath", kCni}},
                                   json::Object{{"name", "settings"}, {"mountPath", kSettings}}}}};
}

json::Object daemon_set(const std::string& image) {
  json::Object pod{
      {"serviceAccountName", kName},
      {"hostNetwork", true},
      {"priorityClassName", "system-node-critical"},
      {"nodeSelector", json::Object{{"kubernetes.io/os", "linux"}}},
      {"tolerations", json::Array{json::Object{{"operator", "Exists"}}}},
      {"containers", json::Array{container(image)}},
      {"volumes",
       json::Array{
           json::Object{{"name", "cni"},
                        {"hostPath", json::Object{{"path", kCni}, {"type", "DirectoryOrCreate"}}}},
           json::Object{{"name", "settings"}, {"configMap", json::Object{{"name", kName}}}}}}};
  json::Object out = object("apps/v1", "DaemonSet", true);
  out["spec"] = json::Object{
      {"selector", json::Object{{"matchLabels", labels()}}},
      {"updateStrategy", json::Object{{"type", "RollingUpdate"}}},
      {"template",
       json::Object{{"metadata", json::Object{{"labels", labels()}}}, {"spec", std::move(pod)}}}};
  return out;
}

}  // namespace

std::string manifest(const ManifestOptions& options) {
  json::Object account = object("v1", "ServiceAccount", true);
  std::string out;
  for (const json::Object& document :
       {account, role(), binding(), settings(), daemon_set(options.image)}) {
    out += cat(out.empty() ? "" : "---\n", yaml::write(document));
  }
  return out;
}

}  // namespace kpp::network
