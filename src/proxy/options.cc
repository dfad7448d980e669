#include "proxy/options.h"

#include <algorithm>

#include "proxy/rules/names.h"

namespace kpp::proxy {

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::size_t from = 0;
  while (from <= text.size()) {
    const auto comma = std::min(text.find(',', from), text.size());
    if (comma > from) out.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return out;
}

std::string local_source(const ProxyOptions& options, const corev1::Node& node, IpFamily family) {
  if (options.detect_local_mode == "BridgeInterface") return cat("-i ", options.bridge_interface);
  if (options.detect_local_mode == "InterfaceNamePrefix")
    return cat("-i ", options.interface_name_prefix, "+");
  std::vector<std::string> ranges;
  if (options.detect_local_mode == "NodeCIDR") {
    ranges = node.spec.pod_cidrs;
    if (ranges.empty() && !node.spec.pod_cidr.empty()) ranges.push_back(node.spec.pod_cidr);
  } else {
    ranges = split(options.cluster_cidr);
  }
  const auto ours = cidrs_of(ranges, family);
  return ours.empty() ? std::string() : cat("-s ", ours.front());
}

std::string node_ip(const ProxyOptions& options, const corev1::Node& node, IpFamily family) {
  const auto bind = Address::parse(options.bind_address);
  if (bind && bind->family == family && options.bind_address != "0.0.0.0" &&
      options.bind_address != "::") {
    return bind->to_string();
  }
  for (const auto& address : node.status.addresses) {
    if (address.type == "InternalIP" && family_of(address.address) == family)
      return address.address;
  }
  return family == IpFamily::kIPv4 ? "127.0.0.1" : "::1";
}

}  // namespace

bool ProxyOptions::primary_node_ports() const {
  return node_port_addresses.size() == 1 && node_port_addresses.front() == "primary";
}

Status ProxyOptions::validate() const {
  if (!mode.empty() && mode != "iptables") {
    return {Reason::kInvalid, cat("proxy mode ", quoted(mode), " is not served; use iptables")};
  }
  if (masquerade_bit < 0 || masquerade_bit > 31) {
    return {Reason::kInvalid,
            cat("iptables.masqueradeBit: ", masquerade_bit, " must be within the range [0, 31]")};
  }
  if (!Address::parse(bind_address)) {
    return {Reason::kInvalid,
            cat("bindAddress: ", quoted(bind_address), " is not a valid IP address")};
  }
  for (const auto& range : split(cluster_cidr)) {
    if (!Cidr::parse(range))
      return {Reason::kInvalid, cat("clusterCIDR: ", quoted(range), " is not a valid CIDR")};
  }
  if (!primary_node_ports()) {
    for (const auto& range : node_port_addresses) {
      if (!Cidr::parse(range)) {
        return {Reason::kInvalid,
                cat("nodePortAddresses: ", quoted(range), " is neither a CIDR nor \"primary\"")};
      }
    }
  }
  static constexpr std::string_view kModes[] = {"", "ClusterCIDR", "NodeCIDR", "BridgeInterface",
                                                "InterfaceNamePrefix"};
  if (std::find(std::begin(kModes), std::end(kModes), detect_local_mode) == std::end(kModes)) {
    return {Reason::kInvalid, cat("detectLocalMode: unknown mode ", quoted(detect_local_mode))};
  }
  if (detect_local_mode == "BridgeInterface" && bridge_interface.empty()) {
    return {Reason::kInvalid,
            "detectLocal.bridgeInterface must be set for detectLocalMode BridgeInterface"};
  }
  if (detect_local_mode == "InterfaceNamePrefix" && interface_name_prefix.empty()) {
    return {Reason::kInvalid,
            "detectLocal.interfaceNamePrefix must be set for detectLocalMode InterfaceNamePrefix"};
  }
  return {};
}

RuleOptions rule_options(const ProxyOptions& options, const corev1::Node& node,
                         const std::vector<std::string>& node_addresses, IpFamily family,
                         bool accounting) {
  RuleOptions out;
  out.family = family;
  out.node_name = node.metadata.name;
  out.node_ip = node_ip(options, node, family);
  out.node_labels = node.metadata.labels;
  out.node_addresses = addresses_of(node_addresses, family);
  out.masquerade_all = options.masquerade_all;
  out.masquerade_bit = options.masquerade_bit;
  out.localhost_node_ports = options.localhost_node_ports;
  out.conntrack_be_liberal = options.conntrack.tcp_be_liberal;
  out.accounting = accounting;
  if (options.primary_node_ports()) {
    out.node_port_cidrs = {cat(out.node_ip, family == IpFamily::kIPv4 ? "/32" : "/128")};
  } else {
    out.node_port_cidrs = cidrs_of(options.node_port_addresses, family);
  }
  out.local_source = local_source(options, node, family);
  return out;
}

std::string cleanup_text(const KernelRules& kernel) {
  static constexpr std::string_view kOurs[] = {
      "KUBE-SERVICES",       "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD",   "KUBE-NODEPORTS",
      "KUBE-PROXY-FIREWALL", "KUBE-POSTROUTING",       "KUBE-MARK-MASQ", kCanaryChain};
  const auto ours = [](std::string_view chain) {
    return is_service_chain(chain) ||
           std::find(std::begin(kOurs), std::end(kOurs), chain) != std::end(kOurs);
  };
  RestoreText out;
  for (const auto& [table, chains] : kernel.tables) {
    for (const auto& [chain, rules] : chains) {
      if (ours(chain)) {
        out.chain(table, chain);
        continue;
      }
      for (const auto& rule : rules) {
        const auto jump = rule.rfind("-j ");
        if (jump != std::string::npos && ours(std::string_view(rule).substr(jump + 3))) {
          out.rule(table, cat("-D ", chain, " ", rule));
        }
      }
    }
    for (const auto& [chain, rules] : chains) {
      if (ours(chain)) out.rule(table, cat("-X ", chain));
    }
  }
  return out.to_string();
}

}  // namespace kpp::proxy
