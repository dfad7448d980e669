// What a person may set of a kubelet.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace kpp::kubelet {

inline constexpr std::string_view kKubeletVersion = "v1.36.2";

struct NodeTaint {
  std::string key, value, effect;
};

// Who may ask the node's port, and for what.
struct AccessOptions {
  std::string client_ca;  // PEM; who signs the certificates of those who come with one
  bool anonymous = false;
  bool token_webhook = true;
  Duration token_ttl = std::chrono::minutes(2);
  bool webhook = true;  // false: whoever is known may do everything
  Duration allowed_ttl = std::chrono::minutes(5);
  Duration denied_ttl = std::chrono::seconds(30);
};

struct KubeletOptions {
  std::string node_name;
  std::string node_ip;
  std::map<std::string, std::string> node_labels;  // beside those that every node carries
  std::vector<NodeTaint> register_with_taints;
  std::string provider_id;
  bool register_node = true;
  Duration status_period = std::chrono::seconds(10);  // how often the node's status is computed
  Duration report_period = std::chrono::minutes(5);   // and written although nothing changed
  std::int32_t lease_seconds = 40;
  std::int32_t status_max_images = 50;  // -1: all

  std::string root_dir = "/var/lib/kubelet";
  std::string static_pod_path;  // a folder of manifests, or one; empty: none
  std::string pod_log_dir = "/var/log/pods";
  std::string container_log_dir =
      "/var/log/containers";  // links named after pods, for log collectors
  std::string container_runtime_endpoint = "unix:///run/containerd/containerd.sock";
  std::string resolv_conf = "/etc/resolv.conf";
  std::string hosts_file = "/etc/hosts";

  std::vector<std::string> cluster_dns;
  std::string cluster_domain = "cluster.local";

  bool cgroups_per_qos = true;    // false: pods get no control groups of their own
  std::string cgroup_root = "/";  // pods live in <cgroup_root>/kubepods
  bool systemd_cgroups = false;   // the driver: systemd, or cgroupfs
  std::int32_t max_pods = 110;
  std::int32_t pods_per_core = 0;    // 0: no limit of its own
  std::int64_t pod_pids_limit = -1;  // -1: none
  bool quota_enforced = true;        // cpu limits become quotas
  bool seccomp_default = false;      // containers that name no profile have RuntimeDefault
  std::vector<std::string> allowed_unsafe_sysctls;

  // Quantities by resource: cpu, memory, ephemeral-storage, pid.
  std::map<std::string, std::string> kube_reserved, system_reserved;
  std::string kube_reserved_cgroup, system_reserved_cgroup;
  std::vector<std::string> enforce_node_allocatable = {"pods"};
  // Quantities or percentages by signal.
  std::map<std::string, std::string> eviction_hard = {{"memory.available", "100Mi"},
                                                      {"nodefs.available", "10%"},
                                                      {"nodefs.inodesFree", "5%"},
                                                      {"imagefs.available", "15%"},
                                                      {"imagefs.inodesFree", "5%"}};

  std::string bind_address = "0.0.0.0";
  std::uint16_t port = 10250;
  // PEM texts. Without a certificate the node server waits for Kubelet::serve_with().
  std::string serving_certificate;
  std::string serving_key;
  bool serves = true;
  bool serves_debugging = true;  // logs, commands and ports of containers
  AccessOptions access;

  // The namespace whose service `kubernetes` pods always see in their environment.
  std::string master_service_namespace = "default";
};

}  // namespace kpp::kubelet
