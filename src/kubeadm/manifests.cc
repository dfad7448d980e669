#include "kubeadm/manifests.h"

#include <algorithm>
#include <map>

#include "api/corev1.h"
#include "base/fs.h"
#include "codec/yaml.h"
#include "kubeadm/cluster_images.h"
#include "kubeadm/patches.h"

namespace kpp::kubeadm {
namespace {

using FlagMap = std::map<std::string, std::string>;

// Where the API server keeps an embedded store.
constexpr std::string_view kEmbeddedStore = "/var/lib/kpp/apiserver";
constexpr std::string_view kEtcdPki = "/etc/kubernetes/pki/etcd";

std::vector<std::string> to_flags(FlagMap flags, const std::vector<Argument>& extra) {
  for (const Argument& argument : extra) flags[argument.name] = argument.value;
  std::vector<std::string> out;
  for (const auto& [name, value] : flags) out.push_back(cat("--", name, "=", value));
  return out;
}

std::string kubeconfig(std::string_view name) { return cat(kKubernetesDirectory, "/", name); }

void add_store(const InitConfig& config, FlagMap& flags) {
  const ClusterConfig& cluster = config.cluster;
  if (cluster.store == StoreKind::kEmbedded) {
    flags["data-dir"] = kEmbeddedStore;
    return;
  }
  if (cluster.store == StoreKind::kExternalEtcd) {
    flags["etcd-servers"] = join(cluster.external_etcd.endpoints, ",");
    if (!cluster.external_etcd.ca_file.empty()) {
      flags["etcd-cafile"] = cluster.external_etcd.ca_file;
    }
    if (!cluster.external_etcd.cert_file.empty()) {
      flags["etcd-certfile"] = cluster.external_etcd.cert_file;
      flags["etcd-keyfile"] = cluster.external_etcd.key_file;
    }
    return;
  }
  const std::string& pki = cluster.certificates_dir;
  flags["etcd-cafile"] = cat(pki, "/etcd/ca.crt");
  flags["etcd-certfile"] = cat(pki, "/apiserver-etcd-client.crt");
  flags["etcd-keyfile"] = cat(pki, "/apiserver-etcd-client.key");
  flags["etcd-servers"] = "https://127.0.0.1:2379";
}

// A path of the machine that a static pod sees under the same name.
struct HostPath {
  std::string_view name;
  std::string path;
  std::string_view type;
  bool read_only;
};

struct Probe {
  std::string path;
  std::string host;
  int port;
  std::string_view scheme;
};

json::Object probe(const Probe& of, int failures, bool startup) {
  json::Object out{
      {"failureThreshold", failures},
      {"httpGet",
       json::Object{
           {"host", of.host}, {"path", of.path}, {"port", "probe-port"}, {"scheme", of.scheme}}},
      {"periodSeconds", 10},
      {"timeoutSeconds", 15}};
  out["initialDelaySeconds"] = 10;
  if (!startup && of.path == "/readyz") {
    out["periodSeconds"] = 1;
    out["failureThreshold"] = 3;
    out.erase("initialDelaySeconds");
  }
  return out;
}

struct PodParts {
  std::vector<std::string> command;
  std::string image;
  std::string cpu, memory;
  std::vector<HostPath> paths;
  Probe liveness, startup;
  std::string readiness_path;  // empty: none
  std::pair<std::string_view, std::string> annotation;
};

const Component& component_of(const ClusterConfig& cluster, std::string_view component) {
  if (component == "etcd") return cluster.etcd;
  if (component == "kube-apiserver") return cluster.api_server;
  return component == "kube-scheduler" ? cluster.scheduler : cluster.controller_manager;
}

// What a person added goes after our own, in the order of its names.
void add_volumes(const std::vector<ExtraVolume>& extra, json::Array& mounts, json::Array& volumes) {
  for (const ExtraVolume& volume : extra) {
    json::Object mount{{"mountPath", volume.mount_path}, {"name", volume.name}};
    if (volume.read_only) mount["readOnly"] = true;
    mounts.push_back(std::move(mount));
    json::Object path{{"path", volume.host_path}};
    if (!volume.path_type.empty()) path["type"] = volume.path_type;
    volumes.push_back(json::Object{{"hostPath", std::move(path)}, {"name", volume.name}});
  }
}

json::Object assemble(std::string_view component, PodParts parts, const Component& extra) {
  json::Array command;
  for (std::string& word : parts.command) command.emplace_back(std::move(word));
  json::Array mounts;
  json::Array volumes;
  for (const HostPath& path : parts.paths) {
    json::Object mount{{"mountPath", path.path}, {"name", path.name}};
    if (path.read_only) mount["readOnly"] = true;
    mounts.push_back(std::move(mount));
    volumes.push_back(json::Object{
        {"hostPath", json::Object{{"path", path.path}, {"type", path.type}}}, {"name", path.name}});
  }
  add_volumes(extra.volumes, mounts, volumes);
  const auto by_name = [](const json::Value& a, const json::Value& b) {
    return json::text_at(a, "name") < json::text_at(b, "name");
  };
  std::ranges::sort(mounts, by_name);
  std::ranges::sort(volumes, by_name);
  json::Object requests{{"cpu", parts.cpu}};
  if (!parts.memory.empty()) requests["memory"] = parts.memory;
  json::Object container{{"command", std::move(command)},
                         {"image", parts.image},
                         {"imagePullPolicy", "IfNotPresent"},
                         {"livenessProbe", probe(parts.liveness, 8, false)},
                         {"name", component},
                         {"ports", json::Array{json::Object{{"containerPort", parts.liveness.port},
                                                            {"name", "probe-port"},
                                                            {"protocol", "TCP"}}}},
                         {"resources", json::Object{{"requests", std::move(requests)}}},
                         {"startupProbe", probe(parts.startup, 24, true)},
                         {"volumeMounts", std::move(mounts)}};
  if (!extra.envs.empty()) container["env"] = extra.envs;
  if (!parts.readiness_path.empty()) {
    Probe ready = parts.liveness;
    ready.path = parts.readiness_path;
    container["readinessProbe"] = probe(ready, 3, false);
  }
  json::Object metadata{
      {"labels", json::Object{{"component", component}, {"tier", "control-plane"}}},
      {"name", component},
      {"namespace", "kube-system"}};
  if (!parts.annotation.first.empty()) {
    metadata["annotations"] =
        json::Object{{parts.annotation.first, std::move(parts.annotation.second)}};
  }
  return {
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata", std::move(metadata)},
      {"spec",
       json::Object{{"containers", json::Array{std::move(container)}},
                    {"hostNetwork", true},
                    {"priority", 2000001000},
                    {"priorityClassName", "system-node-critical"},
                    {"securityContext",
                     json::Object{{"seccompProfile", json::Object{{"type", "RuntimeDefault"}}}}},
                    {"volumes", std::move(volumes)}}},
      {"status", json::Object()}};
}

Status write_manifest(std::string_view component, const InitConfig& config,
                      const std::string& directory, const Printer& print) {
  KPP_ASSIGN(const std::string text, manifest_text(component, config, print));
  return fs::write_file_atomic(cat(directory, "/", component, ".yaml"), text, 0600);
}

std::vector<std::string> command_of(std::string_view program, std::vector<std::string> flags) {
  flags.insert(flags.begin(), std::string(program));
  return flags;
}

PodParts api_server(const InitConfig& config) {
  const ClusterConfig& cluster = config.cluster;
  PodParts parts;
  parts.command = command_of("kube-apiserver", api_server_flags(config));
  parts.cpu = "250m";
  parts.paths = {{"ca-certs", "/etc/ssl/certs", "DirectoryOrCreate", true},
                 {"k8s-certs", cluster.certificates_dir, "DirectoryOrCreate", true}};
  if (cluster.store == StoreKind::kEmbedded) {
    parts.paths.push_back({"store", std::string(kEmbeddedStore), "DirectoryOrCreate", false});
  }
  parts.liveness = {"/livez", config.advertise_address, config.bind_port, "HTTPS"};
  parts.startup = parts.liveness;
  parts.readiness_path = "/readyz";
  parts.annotation = {"kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint",
                      cat(config.advertise_address, ":", config.bind_port)};
  return parts;
}

PodParts controller_manager(const InitConfig& config) {
  PodParts parts;
  parts.command = command_of("kube-controller-manager", controller_manager_flags(config));
  parts.cpu = "200m";
  parts.paths = {{"ca-certs", "/etc/ssl/certs", "DirectoryOrCreate", true},
                 {"k8s-certs", config.cluster.certificates_dir, "DirectoryOrCreate", true},
                 {"kubeconfig", kubeconfig("controller-manager.conf"), "FileOrCreate", true}};
  parts.liveness = {"/healthz", "127.0.0.1", 10257, "HTTPS"};
  parts.startup = parts.liveness;
  return parts;
}

PodParts scheduler(const InitConfig& config) {
  PodParts parts;
  parts.command = command_of("kube-scheduler", scheduler_flags(config));
  parts.cpu = "100m";
  parts.paths = {{"kubeconfig", kubeconfig("scheduler.conf"), "FileOrCreate", true}};
  parts.liveness = {"/livez", "127.0.0.1", 10259, "HTTPS"};
  parts.startup = parts.liveness;
  parts.readiness_path = "/readyz";
  return parts;
}

PodParts etcd(const InitConfig& config) {
  PodParts parts;
  parts.command = command_of("etcd", etcd_flags(config));
  parts.cpu = "100m";
  parts.memory = "100Mi";
  parts.paths = {
      {"etcd-certs", cat(config.cluster.certificates_dir, "/etcd"), "DirectoryOrCreate", false},
      {"etcd-data", config.cluster.etcd_data_dir, "DirectoryOrCreate", false}};
  parts.liveness = {"/health", "127.0.0.1", 2381, "HTTP"};
  parts.startup = parts.liveness;
  parts.annotation = {"kubeadm.kubernetes.io/etcd.advertise-client-urls",
                      cat("https://", config.advertise_address, ":2379")};
  return parts;
}

}  // namespace

std::vector<std::string> api_server_flags(const InitConfig& config) {
  const ClusterConfig& cluster = config.cluster;
  const std::string& pki = cluster.certificates_dir;
  FlagMap flags = {
      {"advertise-address", config.advertise_address},
      {"allow-privileged", "true"},
      {"authorization-mode", "Node,RBAC"},
      {"client-ca-file", cat(pki, "/ca.crt")},
      {"enable-admission-plugins", "NodeRestriction"},
      {"enable-bootstrap-token-auth", "true"},
      {"kubelet-client-certificate", cat(pki, "/apiserver-kubelet-client.crt")},
      {"kubelet-client-key", cat(pki, "/apiserver-kubelet-client.key")},
      {"kubelet-preferred-address-types", "InternalIP,ExternalIP,Hostname"},
      {"proxy-client-cert-file", cat(pki, "/front-proxy-client.crt")},
      {"proxy-client-key-file", cat(pki, "/front-proxy-client.key")},
      {"requestheader-allowed-names", "front-proxy-client"},
      {"requestheader-client-ca-file", cat(pki, "/front-proxy-ca.crt")},
      {"requestheader-extra-headers-prefix", "X-Remote-Extra-"},
      {"requestheader-group-headers", "X-Remote-Group"},
      {"requestheader-username-headers", "X-Remote-User"},
      {"secure-port", cat(config.bind_port)},
      {"service-account-issuer", cat("https://kubernetes.default.svc.", cluster.dns_domain)},
      {"service-account-key-file", cat(pki, "/sa.pub")},
      {"service-account-signing-key-file", cat(pki, "/sa.key")},
      {"service-cluster-ip-range", cluster.service_subnet},
      {"tls-cert-file", cat(pki, "/apiserver.crt")},
      {"tls-private-key-file", cat(pki, "/apiserver.key")}};
  add_store(config, flags);
  return to_flags(std::move(flags), cluster.api_server.args);
}

std::vector<std::string> controller_manager_flags(const InitConfig& config) {
  const ClusterConfig& cluster = config.cluster;
  const std::string& pki = cluster.certificates_dir;
  const std::string own = kubeconfig("controller-manager.conf");
  FlagMap flags = {{"authentication-kubeconfig", own},
                   {"authorization-kubeconfig", own},
                   {"bind-address", "127.0.0.1"},
                   {"client-ca-file", cat(pki, "/ca.crt")},
                   {"cluster-name", cluster.cluster_name},
                   {"cluster-signing-cert-file", cat(pki, "/ca.crt")},
                   {"cluster-signing-key-file", cat(pki, "/ca.key")},
                   {"controllers", "*,bootstrap-signer-controller,token-cleaner-controller"},
                   {"kubeconfig", own},
                   {"leader-elect", "true"},
                   {"requestheader-client-ca-file", cat(pki, "/front-proxy-ca.crt")},
                   {"root-ca-file", cat(pki, "/ca.crt")},
                   {"service-account-private-key-file", cat(pki, "/sa.key")},
                   {"use-service-account-credentials", "true"}};
  if (!cluster.pod_subnet.empty()) {
    flags["allocate-node-cidrs"] = "true";
    flags["cluster-cidr"] = cluster.pod_subnet;
    flags["service-cluster-ip-range"] = cluster.service_subnet;
  }
  return to_flags(std::move(flags), cluster.controller_manager.args);
}

std::vector<std::string> scheduler_flags(const InitConfig& config) {
  const std::string own = kubeconfig("scheduler.conf");
  return to_flags({{"authentication-kubeconfig", own},
                   {"authorization-kubeconfig", own},
                   {"bind-address", "127.0.0.1"},
                   {"kubeconfig", own},
                   {"leader-elect", "true"}},
                  config.cluster.scheduler.args);
}

std::vector<std::string> etcd_flags(const InitConfig& config) {
  const std::string pki = config.cluster.certificates_dir == "/etc/kubernetes/pki"
                              ? std::string(kEtcdPki)
                              : cat(config.cluster.certificates_dir, "/etcd");
  const std::string& address = config.advertise_address;
  FlagMap flags = {{"advertise-client-urls", cat("https://", address, ":2379")},
                   {"cert-file", cat(pki, "/server.crt")},
                   {"client-cert-auth", "true"},
                   {"data-dir", config.cluster.etcd_data_dir},
                   {"experimental-initial-corrupt-check", "true"},
                   {"initial-advertise-peer-urls", cat("https://", address, ":2380")},
                   {"initial-cluster", cat(config.node.name, "=https://", address, ":2380")},
                   {"key-file", cat(pki, "/server.key")},
                   {"listen-client-urls", cat("https://127.0.0.1:2379,https://", address, ":2379")},
                   {"listen-metrics-urls", "http://127.0.0.1:2381"},
                   {"listen-peer-urls", cat("https://", address, ":2380")},
                   {"name", config.node.name},
                   {"peer-cert-file", cat(pki, "/peer.crt")},
                   {"peer-client-cert-auth", "true"},
                   {"peer-key-file", cat(pki, "/peer.key")},
                   {"peer-trusted-ca-file", cat(pki, "/ca.crt")},
                   {"snapshot-count", "10000"},
                   {"trusted-ca-file", cat(pki, "/ca.crt")}};
  if (!config.etcd_initial_cluster.empty()) {
    flags["initial-cluster"] = config.etcd_initial_cluster;
    flags["initial-cluster-state"] = "existing";
  }
  return to_flags(std::move(flags), config.cluster.etcd.args);
}

json::Object static_pod(std::string_view component, const InitConfig& config) {
  PodParts parts = component == "etcd"                      ? etcd(config)
                   : component == "kube-apiserver"          ? api_server(config)
                   : component == "kube-controller-manager" ? controller_manager(config)
                                                            : scheduler(config);
  parts.image = image_name(component, config.cluster);
  return assemble(component, std::move(parts), component_of(config.cluster, component));
}

Result<std::string> manifest_text(std::string_view component, const InitConfig& config,
                                  const Printer& print) {
  KPP_ASSIGN(const json::Value pod,
             patched(json::Value(static_pod(component, config)), config.patches_dir, component,
                     &corev1::Pod::desc(), print));
  return yaml::write(pod);
}

Status write_etcd_manifest(const InitConfig& config, const std::string& directory,
                           const Printer& print) {
  KPP_RETURN_IF_ERROR(fs::make_directories(directory, 0700));
  KPP_RETURN_IF_ERROR(fs::make_directories(config.cluster.etcd_data_dir, 0700));
  return write_manifest("etcd", config, directory, print);
}

Status write_manifests(const InitConfig& config, const std::string& directory,
                       const PhaseChoice& choice, const Printer& print) {
  KPP_RETURN_IF_ERROR(fs::make_directories(directory, 0700));
  print(cat("[control-plane] Using manifest folder ", quoted(directory)));
  for (const std::string_view component :
       {"kube-apiserver", "kube-controller-manager", "kube-scheduler"}) {
    if (!choice.wants(cat("control-plane/", component.substr(5)))) continue;
    print(cat("[control-plane] Creating static Pod manifest for ", quoted(component)));
    KPP_RETURN_IF_ERROR(write_manifest(component, config, directory, print));
  }
  return {};
}

}  // namespace kpp::kubeadm
