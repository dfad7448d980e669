// Writes configurations as documents of kubeadm.k8s.io/v1beta4.
#include "codec/yaml.h"
#include "kubeadm/config.h"
#include "kubeadm/config_reader.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kPlaceholder = "abcdef.0123456789abcdef";

json::Array argument_list(const std::vector<Argument>& arguments) {
  json::Array out;
  for (const Argument& a : arguments)
    out.push_back(json::Object{{"name", a.name}, {"value", a.value}});
  return out;
}

json::Array text_list(const std::vector<std::string>& texts) {
  json::Array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

json::Object document_of(const Component& component) {
  json::Object out;
  if (!component.args.empty()) out["extraArgs"] = argument_list(component.args);
  if (!component.envs.empty()) out["extraEnvs"] = component.envs;
  json::Array volumes;
  for (const ExtraVolume& volume : component.volumes) {
    json::Object item{
        {"hostPath", volume.host_path}, {"mountPath", volume.mount_path}, {"name", volume.name}};
    if (!volume.path_type.empty()) item["pathType"] = volume.path_type;
    if (volume.read_only) item["readOnly"] = true;
    volumes.push_back(std::move(item));
  }
  if (!volumes.empty()) out["extraVolumes"] = std::move(volumes);
  return out;
}

void add_image(const ImageMeta& image, json::Object& out) {
  if (!image.repository.empty()) out["imageRepository"] = image.repository;
  if (!image.tag.empty()) out["imageTag"] = image.tag;
}

json::Object add_on(bool disabled, const ImageMeta& image) {
  json::Object out;
  if (disabled) out["disabled"] = true;
  add_image(image, out);
  return out;
}

json::Object document_of(const Timeouts& timeouts) {
  return {{"controlPlaneComponentHealthCheck", duration_text(timeouts.control_plane)},
          {"discovery", duration_text(timeouts.discovery)},
          {"etcdAPICall", duration_text(timeouts.etcd_call)},
          {"kubeletHealthCheck", duration_text(timeouts.kubelet)},
          {"kubernetesAPICall", duration_text(timeouts.api_call)},
          {"tlsBootstrap", duration_text(timeouts.tls_bootstrap)},
          {"upgradeManifests", duration_text(timeouts.upgrade_manifests)}};
}

json::Object document_of(const NodeRegistration& node) {
  json::Object out{{"criSocket", node.cri_socket},
                   {"imagePullPolicy", node.image_pull_policy},
                   {"imagePullSerial", node.image_pull_serial},
                   {"name", node.name},
                   {"taints", nullptr}};
  if (!node.ignore_preflight_errors.empty()) {
    out["ignorePreflightErrors"] = text_list(node.ignore_preflight_errors);
  }
  if (!node.kubelet_args.empty()) out["kubeletExtraArgs"] = argument_list(node.kubelet_args);
  if (!node.taints) return out;
  json::Array taints;
  for (const Taint& taint : *node.taints) {
    json::Object item{{"effect", taint.effect}, {"key", taint.key}};
    if (!taint.value.empty()) item["value"] = taint.value;
    taints.push_back(std::move(item));
  }
  out["taints"] = std::move(taints);
  return out;
}

json::Object document_of(const BootstrapToken& token) {
  json::Object out{{"groups", text_list(token.groups)},
                   {"token", token.token},
                   {"ttl", duration_text(token.ttl)},
                   {"usages", text_list(token.usages)}};
  if (!token.description.empty()) out["description"] = token.description;
  return out;
}

// What init and join have in common besides their nodes.
void add_common(const std::vector<std::string>& skip_phases, const std::string& patches_dir,
                bool dry_run, json::Object& out) {
  if (!skip_phases.empty()) out["skipPhases"] = text_list(skip_phases);
  if (!patches_dir.empty()) out["patches"] = json::Object{{"directory", patches_dir}};
  if (dry_run) out["dryRun"] = true;
}

}  // namespace

json::Object to_document(const ClusterConfig& config) {
  json::Object api_server = document_of(config.api_server);
  if (!config.cert_sans.empty()) api_server["certSANs"] = text_list(config.cert_sans);
  json::Object etcd;
  if (config.store == StoreKind::kExternalEtcd) {
    etcd["external"] = json::Object{{"caFile", config.external_etcd.ca_file},
                                    {"certFile", config.external_etcd.cert_file},
                                    {"endpoints", text_list(config.external_etcd.endpoints)},
                                    {"keyFile", config.external_etcd.key_file}};
  } else {
    json::Object local = document_of(config.etcd);
    local["dataDir"] = config.etcd_data_dir;
    if (!config.etcd_peer_sans.empty()) local["peerCertSANs"] = text_list(config.etcd_peer_sans);
    if (!config.etcd_server_sans.empty()) {
      local["serverCertSANs"] = text_list(config.etcd_server_sans);
    }
    add_image(config.etcd_image, local);
    etcd["local"] = std::move(local);
  }
  json::Object networking{{"dnsDomain", config.dns_domain},
                          {"serviceSubnet", config.service_subnet}};
  if (!config.pod_subnet.empty()) networking["podSubnet"] = config.pod_subnet;
  json::Object out{{"apiServer", std::move(api_server)},
                   {"apiVersion", kApiVersion},
                   {"caCertificateValidityPeriod", duration_text(config.ca_validity)},
                   {"certificateValidityPeriod", duration_text(config.certificate_validity)},
                   {"certificatesDir", config.certificates_dir},
                   {"clusterName", config.cluster_name},
                   {"controllerManager", document_of(config.controller_manager)},
                   {"dns", add_on(config.dns_disabled, config.dns_image)},
                   {"encryptionAlgorithm", config.encryption_algorithm},
                   {"etcd", std::move(etcd)},
                   {"imageRepository", config.image_repository},
                   {"kind", "ClusterConfiguration"},
                   {"kubernetesVersion", config.kubernetes_version},
                   {"networking", std::move(networking)},
                   {"proxy", add_on(config.proxy_disabled, {})},
                   {"scheduler", document_of(config.scheduler)}};
  if (!config.control_plane_endpoint.empty()) {
    out["controlPlaneEndpoint"] = config.control_plane_endpoint;
  }
  return out;
}

json::Object to_document(const InitConfig& config) {
  json::Array tokens;
  for (const BootstrapToken& token : config.tokens) tokens.push_back(document_of(token));
  json::Object out{{"apiVersion", kApiVersion},
                   {"bootstrapTokens", std::move(tokens)},
                   {"kind", "InitConfiguration"},
                   {"localAPIEndpoint", json::Object{{"advertiseAddress", config.advertise_address},
                                                     {"bindPort", config.bind_port}}},
                   {"nodeRegistration", document_of(config.node)},
                   {"timeouts", document_of(config.timeouts)}};
  if (!config.certificate_key.empty()) out["certificateKey"] = config.certificate_key;
  add_common(config.skip_phases, config.patches_dir, config.dry_run, out);
  return out;
}

json::Object to_document(const JoinConfig& config) {
  json::Object discovery;
  if (!config.discovery_file.empty()) {
    discovery["file"] = json::Object{{"kubeConfigPath", config.discovery_file}};
  } else {
    json::Object token{{"apiServerEndpoint", config.api_server_endpoint}, {"token", config.token}};
    if (!config.ca_cert_hashes.empty()) token["caCertHashes"] = text_list(config.ca_cert_hashes);
    if (config.unsafe_skip_ca_verification) token["unsafeSkipCAVerification"] = true;
    discovery["bootstrapToken"] = std::move(token);
  }
  const std::string& bootstrap =
      config.tls_bootstrap_token.empty() ? config.token : config.tls_bootstrap_token;
  if (!bootstrap.empty()) discovery["tlsBootstrapToken"] = bootstrap;
  json::Object out{{"apiVersion", kApiVersion},
                   {"caCertPath", config.ca_cert_path},
                   {"discovery", std::move(discovery)},
                   {"kind", "JoinConfiguration"},
                   {"nodeRegistration", document_of(config.node)},
                   {"timeouts", document_of(config.timeouts)}};
  if (config.control_plane) {
    json::Object plane{
        {"localAPIEndpoint", json::Object{{"advertiseAddress", config.advertise_address},
                                          {"bindPort", config.bind_port}}}};
    if (!config.certificate_key.empty()) plane["certificateKey"] = config.certificate_key;
    out["controlPlane"] = std::move(plane);
  }
  add_common(config.skip_phases, config.patches_dir, config.dry_run, out);
  return out;
}

json::Object to_document(const ResetConfig& config) {
  json::Object out{{"apiVersion", kApiVersion},
                   {"certificatesDir", config.certificates_dir},
                   {"criSocket", config.cri_socket},
                   {"kind", "ResetConfiguration"},
                   {"timeouts", document_of(Timeouts())}};
  if (config.cleanup_tmp_dir) out["cleanupTmpDir"] = true;
  if (config.force) out["force"] = true;
  if (!config.ignore_preflight_errors.empty()) {
    out["ignorePreflightErrors"] = text_list(config.ignore_preflight_errors);
  }
  add_common(config.skip_phases, "", config.dry_run, out);
  return out;
}

std::string print_init_defaults() {
  InitConfig config;
  config.advertise_address = "1.2.3.4";
  config.node.name = "node";
  config.tokens.emplace_back().token = kPlaceholder;
  return cat(yaml::write(to_document(config)), "---\n", yaml::write(to_document(config.cluster)));
}

std::string print_join_defaults() {
  JoinConfig config;
  config.api_server_endpoint = "kube-apiserver:6443";
  config.token = kPlaceholder;
  config.unsafe_skip_ca_verification = true;
  config.node.name = "node";
  return yaml::write(to_document(config));
}

std::string print_reset_defaults() { return yaml::write(to_document(ResetConfig())); }

}  // namespace kpp::kubeadm
