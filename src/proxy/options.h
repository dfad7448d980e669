// The settings of kube-proxy under the names of the original's configuration.
#pragma once

#include <string>
#include <vector>

#include "api/corev1.h"
#include "base/clock.h"
#include "base/status.h"
#include "proxy/rules/iptables.h"

namespace kpp::proxy {

inline constexpr int kHealthzPort = 10256;
inline constexpr int kMetricsPort = 10249;

// How the kernel is to track connections. What is zero leaves its own value alone.
struct ConntrackOptions {
  int max_per_core = 32768;
  int min = 131072;
  bool tcp_be_liberal = false;
  Duration tcp_established_timeout = std::chrono::hours(24);
  Duration tcp_close_wait_timeout = std::chrono::hours(1);
  Duration udp_timeout = Duration::zero();
  Duration udp_stream_timeout = Duration::zero();
};

struct ProxyOptions {
  std::string hostname_override;  // the Node's name; empty: the machine's name
  std::string bind_address = "0.0.0.0";
  std::string mode;               // "" and "iptables" are served
  std::string cluster_cidr;       // one range, or one of each family with a comma between
  std::string detect_local_mode;  // ClusterCIDR (the default), NodeCIDR, BridgeInterface,
                                  // InterfaceNamePrefix
  std::string bridge_interface;
  std::string interface_name_prefix;
  bool masquerade_all = false;
  int masquerade_bit = 14;
  bool localhost_node_ports = true;
  ConntrackOptions conntrack;
  std::vector<std::string> node_port_addresses;  // ranges, or "primary"
  Duration min_sync_period = std::chrono::seconds(1);
  Duration sync_period = std::chrono::seconds(30);
  Duration config_sync_period = std::chrono::minutes(15);
  std::string healthz_bind_address = "0.0.0.0:10256";
  std::string metrics_bind_address = "127.0.0.1:10249";

  Status validate() const;
  bool primary_node_ports() const;
};

// What the rules of one family depend on, from the settings and the node. `accounting`: the kernel
// has the counters that the rules name.
RuleOptions rule_options(const ProxyOptions& options, const corev1::Node& node,
                         const std::vector<std::string>& node_addresses, IpFamily family,
                         bool accounting);

// Removes everything that this proxy makes; what the kubelet makes too (KUBE-FIREWALL) stays.
std::string cleanup_text(const KernelRules& kernel);

}  // namespace kpp::proxy
