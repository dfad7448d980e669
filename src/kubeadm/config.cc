#include "kubeadm/config.h"

#include <algorithm>

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

std::string quoted_list(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts) out.push_back(quoted(text));
  return cat("[", join(out, ","), "]");
}

// system:bootstrappers: and at least one more character.
bool is_bootstrap_group(std::string_view group) {
  constexpr std::string_view kPrefix = "system:bootstrappers:";
  if (!group.starts_with(kPrefix)) return false;
  group.remove_prefix(kPrefix.size());
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !group.empty() && group.size() <= 256 && letter(group.back()) &&
         std::ranges::all_of(group, [&](char c) { return letter(c) || c == ':' || c == '-'; });
}

Status check_arguments(std::string_view component, const std::vector<Argument>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].name.empty()) continue;
    return {Reason::kInvalid,
            cat(component, component.ends_with("kubelet") ? "ExtraArgs" : ".extraArgs", "[", i,
                "]: Invalid value: \"\": argument has no name")};
  }
  return {};
}

}  // namespace

Status validate(const BootstrapToken& token) {
  KPP_RETURN_IF_ERROR(check_token(token.token));
  static constexpr std::string_view kUsages[] = {"signing", "authentication"};
  std::vector<std::string> wrong;
  for (const std::string& usage : token.usages) {
    if (std::ranges::find(kUsages, usage) == std::end(kUsages)) wrong.push_back(usage);
  }
  if (!wrong.empty()) {
    return {Reason::kInvalid, cat("usages: Invalid value: ", quoted_list(token.usages),
                                  ": invalid bootstrap token usage string: ", join(wrong, ","),
                                  ", valid usage options: signing,authentication")};
  }
  const bool authenticates = std::ranges::find(token.usages, kUsages[1]) != token.usages.end();
  if (!token.groups.empty() && !authenticates) {
    return {Reason::kInvalid,
            cat("groups: Invalid value: ", quoted_list(token.groups),
                ": token groups cannot be specified unless --usages includes \"authentication\"")};
  }
  for (const std::string& group : token.groups) {
    if (is_bootstrap_group(group)) continue;
    return {Reason::kInvalid,
            cat("groups: Invalid value: ", quoted_list(token.groups), ": bootstrap group ",
                quoted(group),
                " is invalid (must match \\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\\z)")};
  }
  return {};
}

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
  for (const BootstrapToken& token : config.tokens) KPP_RETURN_IF_ERROR(validate(token));
  for (const auto& [name, component] : {std::pair("apiServer", &cluster.api_server),
                                        {"controllerManager", &cluster.controller_manager},
                                        {"scheduler", &cluster.scheduler},
                                        {"etcd.local", &cluster.etcd}}) {
    KPP_RETURN_IF_ERROR(check_arguments(name, component->args));
  }
  return check_arguments("nodeRegistration.kubelet", config.node.kubelet_args);
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
