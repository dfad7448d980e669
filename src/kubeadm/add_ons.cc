#include "kubeadm/add_ons.h"

#include "codec/yaml.h"
#include "kubeadm/cluster_images.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::string_view kSystem = "kube-system";

json::Object named(std::string_view name, json::Object labels = {}) {
  json::Object out{{"name", name}, {"namespace", kSystem}};
  if (!labels.empty()) out["labels"] = std::move(labels);
  return out;
}

json::Object account(std::string_view name) {
  return {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", named(name)}};
}

json::Object account_binding(std::string_view name, std::string_view role,
                             std::string_view account_name) {
  return {{"apiVersion", cat(kRbac, "/v1")},
          {"kind", "ClusterRoleBinding"},
          {"metadata", json::Object{{"name", name}}},
          {"roleRef", json::Object{{"apiGroup", kRbac}, {"kind", "ClusterRole"}, {"name", role}}},
          {"subjects",
           json::Array{json::Object{
               {"kind", "ServiceAccount"}, {"name", account_name}, {"namespace", kSystem}}}}};
}

json::Object rule(std::string_view group, json::Array resources) {
  return {{"apiGroups", json::Array{group}},
          {"resources", std::move(resources)},
          {"verbs", json::Array{"list", "watch"}}};
}

json::Object http_probe(std::string_view path, std::string_view port, int delay) {
  json::Object out{{"httpGet", json::Object{{"path", path}, {"port", port}, {"scheme", "HTTP"}}}};
  if (delay > 0) {
    out["initialDelaySeconds"] = delay;
    out["timeoutSeconds"] = 5;
    out["successThreshold"] = 1;
    out["failureThreshold"] = 5;
  }
  return out;
}

std::string corefile(const ClusterConfig& config) {
  return cat(
      ".:53 {\n    errors\n    health {\n       lameduck 5s\n    }\n    ready\n    kubernetes ",
      config.dns_domain,
      " in-addr.arpa ip6.arpa {\n       pods insecure\n       fallthrough in-addr.arpa "
      "ip6.arpa\n       ttl 30\n    }\n    prometheus :9153\n    forward . "
      "/etc/resolv.conf {\n       max_concurrent 1000\n    }\n    cache 30 {\n       "
      "disable success ",
      config.dns_domain, "\n       disable denial ", config.dns_domain,
      "\n    }\n    loop\n    reload\n    loadbalance\n}\n");
}

json::Object port(std::string_view name, int number, std::string_view protocol,
                  std::string_view number_field) {
  json::Object out{{number_field, number}, {"name", name}, {"protocol", protocol}};
  if (number_field == "port") out["targetPort"] = number;
  return out;
}

json::Object dns_deployment(const ClusterConfig& config) {
  json::Object container{
      {"args", json::Array{"-conf", "/etc/coredns/Corefile"}},
      {"image", image_name("coredns", config)},
      {"imagePullPolicy", "IfNotPresent"},
      {"livenessProbe", http_probe("/health", "liveness-probe", 60)},
      {"name", "coredns"},
      {"ports", json::Array{port("dns", 53, "UDP", "containerPort"),
                            port("dns-tcp", 53, "TCP", "containerPort"),
                            port("metrics", 9153, "TCP", "containerPort"),
                            port("liveness-probe", 8080, "TCP", "containerPort"),
                            port("readiness-probe", 8181, "TCP", "containerPort")}},
      {"readinessProbe", http_probe("/ready", "readiness-probe", 0)},
      {"resources", json::Object{{"limits", json::Object{{"memory", "170Mi"}}},
                                 {"requests", json::Object{{"cpu", "100m"}, {"memory", "70Mi"}}}}},
      {"securityContext",
       json::Object{{"allowPrivilegeEscalation", false},
                    {"capabilities", json::Object{{"add", json::Array{"NET_BIND_SERVICE"}},
                                                  {"drop", json::Array{"ALL"}}}},
                    {"readOnlyRootFilesystem", true}}},
      {"volumeMounts",
       json::Array{json::Object{
           {"mountPath", "/etc/coredns"}, {"name", "config-volume"}, {"readOnly", true}}}}};
  // Two on one node are no help when it goes.
  json::Object apart{
      {"labelSelector",
       json::Object{
           {"matchExpressions",
            json::Array{json::Object{
                {"key", "k8s-app"}, {"operator", "In"}, {"values", json::Array{"kube-dns"}}}}}}},
      {"topologyKey", "kubernetes.io/hostname"}};
  json::Object pod{
      {"affinity",
       json::Object{{"podAntiAffinity",
                     json::Object{{"preferredDuringSchedulingIgnoredDuringExecution",
                                   json::Array{json::Object{{"podAffinityTerm", std::move(apart)},
                                                            {"weight", 100}}}}}}}},
      {"containers", json::Array{std::move(container)}},
      {"dnsPolicy", "Default"},
      {"nodeSelector", json::Object{{"kubernetes.io/os", "linux"}}},
      {"priorityClassName", "system-cluster-critical"},
      {"serviceAccountName", "coredns"},
      {"tolerations",
       json::Array{json::Object{{"key", "CriticalAddonsOnly"}, {"operator", "Exists"}},
                   json::Object{{"effect", "NoSchedule"},
                                {"key", "node-role.kubernetes.io/control-plane"}}}},
      {"volumes",
       json::Array{json::Object{
           {"configMap", json::Object{{"items", json::Array{json::Object{{"key", "Corefile"},
                                                                         {"path", "Corefile"}}}},
                                      {"name", "coredns"}}},
           {"name", "config-volume"}}}}};
  const json::Object labels{{"k8s-app", "kube-dns"}};
  return {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", named("coredns", labels)},
      {"spec", json::Object{
                   {"replicas", 2},
                   {"selector", json::Object{{"matchLabels", labels}}},
                   {"strategy", json::Object{{"rollingUpdate", json::Object{{"maxUnavailable", 1}}},
                                             {"type", "RollingUpdate"}}},
                   {"template", json::Object{{"metadata", json::Object{{"labels", labels}}},
                                             {"spec", std::move(pod)}}}}}};
}

json::Object proxy_daemon_set(const ClusterConfig& config) {
  const auto host_path = [](std::string_view name, std::string_view path, std::string_view type) {
    json::Object source{{"path", path}};
    if (!type.empty()) source["type"] = type;
    return json::Object{{"hostPath", std::move(source)}, {"name", name}};
  };
  json::Object container{
      {"command",
       json::Array{"/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf",
                   "--hostname-override=$(NODE_NAME)"}},
      {"env", json::Array{json::Object{
                  {"name", "NODE_NAME"},
                  {"valueFrom",
                   json::Object{{"fieldRef", json::Object{{"fieldPath", "spec.nodeName"}}}}}}}},
      {"image", image_name("kube-proxy", config)},
      {"imagePullPolicy", "IfNotPresent"},
      {"name", "kube-proxy"},
      {"securityContext", json::Object{{"privileged", true}}},
      {"volumeMounts",
       json::Array{
           json::Object{{"mountPath", "/var/lib/kube-proxy"}, {"name", "kube-proxy"}},
           json::Object{{"mountPath", "/run/xtables.lock"}, {"name", "xtables-lock"}},
           json::Object{
               {"mountPath", "/lib/modules"}, {"name", "lib-modules"}, {"readOnly", true}}}}};
  json::Object pod{
      {"containers", json::Array{std::move(container)}},
      {"hostNetwork", true},
      {"nodeSelector", json::Object{{"kubernetes.io/os", "linux"}}},
      {"priorityClassName", "system-node-critical"},
      {"serviceAccountName", "kube-proxy"},
      {"tolerations", json::Array{json::Object{{"operator", "Exists"}}}},
      {"volumes", json::Array{json::Object{{"configMap", json::Object{{"name", "kube-proxy"}}},
                                           {"name", "kube-proxy"}},
                              host_path("xtables-lock", "/run/xtables.lock", "FileOrCreate"),
                              host_path("lib-modules", "/lib/modules", "")}}};
  const json::Object labels{{"k8s-app", "kube-proxy"}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "DaemonSet"},
          {"metadata", named("kube-proxy", labels)},
          {"spec",
           json::Object{{"selector", json::Object{{"matchLabels", labels}}},
                        {"template", json::Object{{"metadata", json::Object{{"labels", labels}}},
                                                  {"spec", std::move(pod)}}},
                        {"updateStrategy", json::Object{{"type", "RollingUpdate"}}}}}};
}

std::string proxy_kubeconfig(const std::string& server) {
  constexpr std::string_view kAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";
  return yaml::write(json::Object{
      {"apiVersion", "v1"},
      {"clusters", json::Array{json::Object{
                       {"cluster", json::Object{{"certificate-authority", cat(kAccount, "ca.crt")},
                                                {"server", server}}},
                       {"name", "default"}}}},
      {"contexts", json::Array{json::Object{{"context", json::Object{{"cluster", "default"},
                                                                     {"namespace", "default"},
                                                                     {"user", "default"}}},
                                            {"name", "default"}}}},
      {"current-context", "default"},
      {"kind", "Config"},
      {"users",
       json::Array{json::Object{{"name", "default"},
                                {"user", json::Object{{"tokenFile", cat(kAccount, "token")}}}}}}});
}

// Every field stands in it, most of them zero: a person who edits the ConfigMap sees what there is.
std::string proxy_configuration(const ClusterConfig& config) {
  const json::Object no_periods{{"minSyncPeriod", "0s"}, {"syncPeriod", "0s"}};
  json::Object iptables = no_periods;
  iptables["localhostNodePorts"] = nullptr;
  json::Object nftables = no_periods;
  for (json::Object* mode : {&iptables, &nftables}) {
    (*mode)["masqueradeAll"] = false;
    (*mode)["masqueradeBit"] = nullptr;
  }
  json::Object ipvs = no_periods;
  ipvs["excludeCIDRs"] = nullptr;
  ipvs["scheduler"] = "";
  ipvs["strictARP"] = false;
  for (const char* span : {"tcpFinTimeout", "tcpTimeout", "udpTimeout"}) ipvs[span] = "0s";
  return yaml::write(json::Object{
      {"apiVersion", "kubeproxy.config.k8s.io/v1alpha1"},
      {"bindAddress", "0.0.0.0"},
      {"bindAddressHardFail", false},
      {"clientConnection", json::Object{{"acceptContentTypes", ""},
                                        {"burst", 0},
                                        {"contentType", ""},
                                        {"kubeconfig", "/var/lib/kube-proxy/kubeconfig.conf"},
                                        {"qps", 0}}},
      {"clusterCIDR", config.pod_subnet},
      {"configSyncPeriod", "0s"},
      {"conntrack", json::Object{{"maxPerCore", nullptr},
                                 {"min", nullptr},
                                 {"tcpBeLiberal", false},
                                 {"tcpCloseWaitTimeout", nullptr},
                                 {"tcpEstablishedTimeout", nullptr},
                                 {"udpStreamTimeout", "0s"},
                                 {"udpTimeout", "0s"}}},
      {"detectLocal", json::Object{{"bridgeInterface", ""}, {"interfaceNamePrefix", ""}}},
      {"detectLocalMode", ""},
      {"enableProfiling", false},
      {"healthzBindAddress", ""},
      {"hostnameOverride", ""},
      {"iptables", std::move(iptables)},
      {"ipvs", std::move(ipvs)},
      {"kind", "KubeProxyConfiguration"},
      {"metricsBindAddress", ""},
      {"mode", ""},
      {"nftables", std::move(nftables)},
      {"nodePortAddresses", nullptr},
      {"oomScoreAdj", nullptr},
      {"portRange", ""},
      {"showHiddenMetricsForVersion", ""}});
}

}  // namespace

Result<std::vector<json::Object>> dns_objects(const ClusterConfig& config) {
  KPP_ASSIGN(const std::string address, service_address(config.service_subnet, 10));
  const json::Object labels{{"k8s-app", "kube-dns"},
                            {"kubernetes.io/cluster-service", "true"},
                            {"kubernetes.io/name", "CoreDNS"}};
  json::Object service{
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", named("kube-dns", labels)},
      {"spec", json::Object{{"clusterIP", address},
                            {"ports", json::Array{port("dns", 53, "UDP", "port"),
                                                  port("dns-tcp", 53, "TCP", "port"),
                                                  port("metrics", 9153, "TCP", "port")}},
                            {"selector", json::Object{{"k8s-app", "kube-dns"}}}}}};
  json::Object role{
      {"apiVersion", cat(kRbac, "/v1")},
      {"kind", "ClusterRole"},
      {"metadata", json::Object{{"name", "system:coredns"}}},
      {"rules", json::Array{rule("", json::Array{"endpoints", "services", "pods", "namespaces"}),
                            rule("discovery.k8s.io", json::Array{"endpointslices"})}}};
  json::Object map{{"apiVersion", "v1"},
                   {"data", json::Object{{"Corefile", corefile(config)}}},
                   {"kind", "ConfigMap"},
                   {"metadata", named("coredns")}};
  return std::vector<json::Object>{std::move(map),
                                   std::move(role),
                                   account_binding("system:coredns", "system:coredns", "coredns"),
                                   account("coredns"),
                                   dns_deployment(config),
                                   std::move(service)};
}

std::vector<json::Object> proxy_objects(const InitConfig& config, const std::string& server) {
  json::Object map{{"apiVersion", "v1"},
                   {"data", json::Object{{"config.conf", proxy_configuration(config.cluster)},
                                         {"kubeconfig.conf", proxy_kubeconfig(server)}}},
                   {"kind", "ConfigMap"},
                   {"metadata", named("kube-proxy", {{"app", "kube-proxy"}})}};
  return {std::move(map), account("kube-proxy"),
          account_binding("kubeadm:node-proxier", "system:node-proxier", "kube-proxy"),
          proxy_daemon_set(config.cluster)};
}

}  // namespace kpp::kubeadm
