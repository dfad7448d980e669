#include "kubeadm/config.h"

#include <algorithm>

#include "codec/yaml.h"
#include "kubeadm/config_reader.h"
#include "kubeadm/tokens.h"
#include "linux/links.h"

namespace kpp::kubeadm {
namespace {

Status check_endpoint(const std::string& endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  const std::string_view port =
      colon == std::string::npos ? "" : std::string_view(endpoint).substr(colon + 1);
  if (port.empty() || port.find_first_not_of("0123456789") != std::string_view::npos) {
    return {Reason::kInvalid,
            cat("discovery.bootstrapToken.apiServerEndpoint: Invalid value: ", quoted(endpoint),
                ": address ", endpoint, ": missing port in address")};
  }
  return {};
}

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

json::Object component(const std::vector<Argument>& arguments) {
  json::Object out;
  if (!arguments.empty()) out["extraArgs"] = argument_list(arguments);
  return out;
}

}  // namespace

Status validate(const InitConfig& config) {
  const ClusterConfig& cluster = config.cluster;
  const auto services = sys::parse_ipv4_network(cluster.service_subnet);
  if (!services || services->prefix > 28 || !cluster.service_subnet.contains('/')) {
    return {Reason::kInvalid,
            cat("networking.serviceSubnet: Invalid value: ", quoted(cluster.service_subnet),
                ": must be an IPv4 network with at least 16 addresses")};
  }
  if (!cluster.pod_subnet.empty()) {
    const auto pods = sys::parse_ipv4_network(cluster.pod_subnet);
    if (!pods || !cluster.pod_subnet.contains('/') || pods->prefix > 24) {
      return {Reason::kInvalid,
              cat("networking.podSubnet: Invalid value: ", quoted(cluster.pod_subnet),
                  ": must be an IPv4 network that holds a /24 for every node")};
    }
    if (pods->overlaps(*services)) {
      return {Reason::kInvalid,
              cat("networking.podSubnet: Invalid value: ", quoted(cluster.pod_subnet),
                  ": overlaps the service subnet ", cluster.service_subnet)};
    }
  }
  if (cluster.encryption_algorithm != "RSA-2048" && cluster.encryption_algorithm != "ECDSA-P256") {
    return {Reason::kInvalid,
            cat("encryptionAlgorithm: Invalid value: ", quoted(cluster.encryption_algorithm),
                ": Supported values: [RSA-2048 ECDSA-P256]")};
  }
  if (cluster.kubernetes_version != kKubernetesVersion) {
    return {Reason::kInvalid,
            cat("kubernetesVersion: Invalid value: ", quoted(cluster.kubernetes_version),
                ": this binary brings ", kKubernetesVersion)};
  }
  if (config.bind_port < 1 || config.bind_port > 65535) {
    return {Reason::kInvalid,
            cat("localAPIEndpoint: Invalid value: ", quoted(cat(config.bind_port)),
                ": port must be a valid number between 1 and 65535, inclusive")};
  }
  const auto address = sys::parse_ipv4_network(config.advertise_address);
  if (!address || config.advertise_address.contains('/')) {
    return {Reason::kInvalid, cat("localAPIEndpoint.advertiseAddress: Invalid value: ",
                                  quoted(config.advertise_address), ": ip address is not valid")};
  }
  for (const BootstrapToken& token : config.tokens) KPP_RETURN_IF_ERROR(check_token(token.token));
  return {};
}

Status validate(const JoinConfig& config) {
  if (config.control_plane && (config.bind_port < 1 || config.bind_port > 65535)) {
    return {Reason::kInvalid,
            cat("controlPlane.localAPIEndpoint: Invalid value: ", quoted(cat(config.bind_port)),
                ": port must be a valid number between 1 and 65535, inclusive")};
  }
  const auto address = sys::parse_ipv4_network(config.advertise_address);
  if (!config.advertise_address.empty() && (!address || config.advertise_address.contains('/'))) {
    return {Reason::kInvalid, cat("controlPlane.localAPIEndpoint.advertiseAddress: Invalid value: ",
                                  quoted(config.advertise_address), ": ip address is not valid")};
  }
  if (!config.certificate_key.empty()) {
    const bool hexadecimal =
        config.certificate_key.size() == 64 &&
        config.certificate_key.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (!hexadecimal) {
      return {Reason::kInvalid,
              "certificateKey: Invalid value: must be 64 hexadecimal digits, as kubeadm init "
              "--upload-certs or kubeadm certs certificate-key printed it"};
    }
  }
  if (!config.discovery_file.empty()) return {};
  if (config.token.empty() || config.api_server_endpoint.empty()) {
    return {Reason::kInvalid, "discovery: Invalid value: \"\": bootstrapToken or file must be set"};
  }
  KPP_RETURN_IF_ERROR(check_token(config.token));
  KPP_RETURN_IF_ERROR(check_endpoint(config.api_server_endpoint));
  if (config.ca_cert_hashes.empty() && !config.unsafe_skip_ca_verification) {
    return {
        Reason::kInvalid,
        "discovery.bootstrapToken.caCertHashes: Invalid value: \"\": using token-based discovery "
        "without caCertHashes can be unsafe. Set unsafeSkipCAVerification as true in your kubeadm "
        "config file or pass --discovery-token-unsafe-skip-ca-verification flag to continue"};
  }
  for (const std::string& hash : config.ca_cert_hashes) {
    const bool good = hash.starts_with("sha256:") && hash.size() == 71 &&
                      hash.find_first_not_of("0123456789abcdefABCDEF", 7) == std::string::npos;
    if (!good) {
      return {Reason::kInvalid,
              cat("invalid hash ", quoted(hash), ", expected \"sha256:hex-encoded-hash\"")};
    }
  }
  return {};
}

json::Object to_document(const ClusterConfig& config) {
  json::Object api_server = component(config.api_server_args);
  if (!config.cert_sans.empty()) api_server["certSANs"] = text_list(config.cert_sans);
  json::Object etcd;
  if (config.store == StoreKind::kExternalEtcd) {
    etcd["external"] = json::Object{{"endpoints", text_list(config.external_etcd.endpoints)},
                                    {"caFile", config.external_etcd.ca_file},
                                    {"certFile", config.external_etcd.cert_file},
                                    {"keyFile", config.external_etcd.key_file}};
  } else {
    etcd["local"] = json::Object{{"dataDir", config.etcd_data_dir}};
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
                   {"controllerManager", component(config.controller_manager_args)},
                   {"dns", json::Object()},
                   {"encryptionAlgorithm", config.encryption_algorithm},
                   {"etcd", std::move(etcd)},
                   {"imageRepository", config.image_repository},
                   {"kind", "ClusterConfiguration"},
                   {"kubernetesVersion", config.kubernetes_version},
                   {"networking", std::move(networking)},
                   {"proxy", json::Object()},
                   {"scheduler", component(config.scheduler_args)}};
  if (!config.control_plane_endpoint.empty()) {
    out["controlPlaneEndpoint"] = config.control_plane_endpoint;
  }
  return out;
}

std::string print_init_defaults() {
  const BootstrapToken token;
  const json::Object init{
      {"apiVersion", kApiVersion},
      {"bootstrapTokens", json::Array{json::Object{{"groups", text_list(token.groups)},
                                                   {"token", "abcdef.0123456789abcdef"},
                                                   {"ttl", duration_text(token.ttl)},
                                                   {"usages", text_list(token.usages)}}}},
      {"kind", "InitConfiguration"},
      {"localAPIEndpoint", json::Object{{"advertiseAddress", "1.2.3.4"}, {"bindPort", 6443}}},
      {"nodeRegistration", json::Object{{"criSocket", kDefaultCriSocket},
                                        {"imagePullPolicy", "IfNotPresent"},
                                        {"imagePullSerial", true},
                                        {"name", "node"},
                                        {"taints", nullptr}}},
      {"timeouts", json::Object{{"controlPlaneComponentHealthCheck", "4m0s"},
                                {"discovery", "5m0s"},
                                {"etcdAPICall", "2m0s"},
                                {"kubeletHealthCheck", "4m0s"},
                                {"kubernetesAPICall", "1m0s"},
                                {"tlsBootstrap", "5m0s"},
                                {"upgradeManifests", "5m0s"}}}};
  return cat(yaml::write(init), "---\n", yaml::write(to_document(ClusterConfig())));
}

Result<std::string> service_address(const std::string& service_subnet, unsigned n) {
  KPP_ASSIGN(const sys::Ipv4Network network, sys::parse_ipv4_network(service_subnet));
  return network.host(n);
}

std::string control_plane_endpoint(const InitConfig& config) {
  const std::string& shared = config.cluster.control_plane_endpoint;
  if (shared.empty()) return cat(config.advertise_address, ":", config.bind_port);
  return shared.contains(':') ? shared : cat(shared, ":", config.bind_port);
}

}  // namespace kpp::kubeadm
