// What a person may set of a kubelet.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kpp::kubelet {

inline constexpr std::string_view kKubeletVersion = "v1.36.2";

struct KubeletOptions {
  std::string node_name;
  std::string node_ip;
  std::map<std::string, std::string> node_labels;  // beside those that every node carries
  bool register_node = true;

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
  std::string cgroup_root = "/";  // pods live in <cgroup_root>/kubepods; driver cgroupfs
  std::int32_t max_pods = 110;
  bool quota_enforced = true;  // cpu limits become quotas

  std::string bind_address = "0.0.0.0";
  std::uint16_t port = 10250;
  // PEM texts. Without a certificate the node server is not started.
  std::string serving_certificate;
  std::string serving_key;
  std::string client_ca;  // who signs the certificates of those who may ask

  // The namespace whose service `kubernetes` pods always see in their environment.
  std::string master_service_namespace = "default";
};

}  // namespace kpp::kubelet
