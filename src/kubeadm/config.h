// What a person may set of kubeadm: kubeadm.k8s.io/v1beta4.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "codec/json.h"

namespace kpp::kubeadm {

inline constexpr std::string_view kApiVersion = "kubeadm.k8s.io/v1beta4";
inline constexpr std::string_view kKubernetesDirectory = "/etc/kubernetes";
inline constexpr std::string_view kManifestsDirectory = "/etc/kubernetes/manifests";
inline constexpr std::string_view kKubeletDirectory = "/var/lib/kubelet";
inline constexpr std::string_view kDefaultRepository = "registry.k8s.io";
inline constexpr std::string_view kDefaultCriSocket = "unix:///var/run/containerd/containerd.sock";

using Seconds = std::chrono::seconds;

struct Argument {
  std::string name;  // without dashes
  std::string value;
};

// A path of the machine that a component's pod sees.
struct ExtraVolume {
  std::string name, host_path, mount_path, path_type;
  bool read_only = false;
};

// What is added to a component's static pod.
struct Component {
  std::vector<Argument> args;
  json::Array envs;  // EnvVar, as given
  std::vector<ExtraVolume> volumes;
};

// Where an image is, if not where the others are.
struct ImageMeta {
  std::string repository, tag;
};

// How long each wait is.
struct Timeouts {
  Seconds control_plane{240}, kubelet{240}, api_call{60}, etcd_call{120}, tls_bootstrap{300},
      discovery{300}, upgrade_manifests{300};
};

struct Taint {
  std::string key, value, effect;
  std::string text() const { return cat(key, value.empty() ? "" : "=", value, ":", effect); }
};

struct BootstrapToken {
  std::string token;  // abcdef.0123456789abcdef
  std::string description;
  Seconds ttl{24 * 3600};  // zero: for ever
  std::vector<std::string> usages{"signing", "authentication"};
  std::vector<std::string> groups{"system:bootstrappers:kubeadm:default-node-token"};
};

// Where the API server keeps its objects.
enum class StoreKind { kEtcd, kExternalEtcd, kEmbedded };

struct ExternalEtcd {
  std::vector<std::string> endpoints;
  std::string ca_file, cert_file, key_file;
};

struct ClusterConfig {
  std::string kubernetes_version{kKubernetesVersion};
  std::string cluster_name = "kubernetes";
  std::string control_plane_endpoint;  // host[:port]
  std::string certificates_dir = "/etc/kubernetes/pki";
  std::string image_repository{kDefaultRepository};
  std::string service_subnet = "10.96.0.0/12";
  std::string pod_subnet;
  std::string dns_domain = "cluster.local";
  std::vector<std::string> cert_sans;  // of the API server
  Component api_server, controller_manager, scheduler, etcd;
  ImageMeta dns_image, etcd_image;
  StoreKind store = StoreKind::kEtcd;
  std::string etcd_data_dir = "/var/lib/etcd";
  std::vector<std::string> etcd_server_sans, etcd_peer_sans;
  ExternalEtcd external_etcd;
  std::string encryption_algorithm = "RSA-2048";
  std::chrono::hours certificate_validity{24 * 365};
  std::chrono::hours ca_validity{24 * 365 * 10};
  bool proxy_disabled = false;
  bool dns_disabled = false;
};

struct NodeRegistration {
  std::string name;  // empty: the host's
  std::string cri_socket{kDefaultCriSocket};
  // Not set: the control plane's taint for init, none for join.
  std::optional<std::vector<Taint>> taints;
  std::vector<Argument> kubelet_args;
  std::vector<std::string> ignore_preflight_errors;
  std::string image_pull_policy = "IfNotPresent";
  bool image_pull_serial = true;
};

struct InitConfig {
  ClusterConfig cluster;
  NodeRegistration node;
  std::string advertise_address;  // empty: the address of the default route
  int bind_port = 6443;
  std::vector<BootstrapToken> tokens;
  std::string certificate_key;
  bool upload_certificates = false;
  // What is secret is not said.
  bool skip_token_print = false, skip_certificate_key_print = false;
  // --initial-cluster of an etcd that this machine's member joins; empty: it is the first.
  std::string etcd_initial_cluster;
  std::vector<std::string> skip_phases;
  std::string patches_dir;
  bool dry_run = false;
  Timeouts timeouts;
  json::Object kubelet;  // KubeletConfiguration as given; defaults are added later
  json::Object proxy;    // KubeProxyConfiguration as given
};

struct JoinConfig {
  NodeRegistration node;
  std::string api_server_endpoint;  // host:port
  std::string token;
  std::vector<std::string> ca_cert_hashes;
  bool unsafe_skip_ca_verification = false;
  std::string discovery_file;  // a kubeconfig, instead of endpoint, token and hashes
  std::string tls_bootstrap_token;
  std::string ca_cert_path = "/etc/kubernetes/pki/ca.crt";
  Timeouts timeouts;
  std::vector<std::string> skip_phases;
  std::string patches_dir;
  bool dry_run = false;
  bool control_plane = false;
  std::string certificate_key;
  // Of the API server that a control plane adds.
  std::string advertise_address;  // empty: the address of the default route
  int bind_port = 6443;
};

struct ResetConfig {
  std::string cri_socket{kDefaultCriSocket};
  std::string certificates_dir = "/etc/kubernetes/pki";
  std::string etcd_data_dir = "/var/lib/etcd";
  bool cleanup_tmp_dir = false;
  bool dry_run = false;
  bool force = false;
  std::vector<std::string> ignore_preflight_errors;
  std::vector<std::string> skip_phases;
};

// From the documents of a --config file, over what `config` holds. Documents of other kinds of
// this group are skipped, as are kinds of other groups that kubeadm does not know (a warning is
// added). Unknown fields are warnings, and so is a version that will go. Errors: kInvalid names the
// document and the field.
Status read_init_config(std::string_view yaml, InitConfig& config,
                        std::vector<std::string>& warnings);
Status read_join_config(std::string_view yaml, JoinConfig& config,
                        std::vector<std::string>& warnings);
Status read_reset_config(std::string_view yaml, ResetConfig& config,
                         std::vector<std::string>& warnings);
// `kubeadm config validate`: the first thing that is wrong in any document; what is a warning
// elsewhere is an error here, all but the version that will go.
Status check_config(std::string_view yaml, std::vector<std::string>& warnings);
// `kubeadm config migrate`: the same documents in the version of today, with their defaults.
Result<std::string> migrate_config(std::string_view yaml, std::vector<std::string>& warnings);

// Says what is missing or contradicts itself, once everything is filled in. kInvalid.
Status validate(const InitConfig& config);
Status validate(const JoinConfig& config);
// Usages and groups of a token. kInvalid.
Status validate(const BootstrapToken& token);

// ClusterConfiguration, as the ConfigMap kubeadm-config holds it.
json::Object to_document(const ClusterConfig& config);
json::Object to_document(const InitConfig& config);  // without its ClusterConfiguration
json::Object to_document(const JoinConfig& config);
json::Object to_document(const ResetConfig& config);
// What `kubeadm config print init-defaults`, `join-defaults` and `reset-defaults` print.
std::string print_init_defaults();
std::string print_join_defaults();
std::string print_reset_defaults();

// The n-th address of a network: 1 is the API server's service, 10 the DNS service.
Result<std::string> service_address(const std::string& service_subnet, unsigned n);
// host:port under which members of the cluster reach the API server.
std::string control_plane_endpoint(const InitConfig& config);

}  // namespace kpp::kubeadm
