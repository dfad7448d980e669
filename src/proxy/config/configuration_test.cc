#include "proxy/config/configuration.h"

#include <gtest/gtest.h>

namespace kpp::proxy {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// What kubeadm writes: every field, nearly all of them zero.
constexpr std::string_view kKubeadm = R"(apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack:
  maxPerCore: null
  min: null
  tcpBeLiberal: false
  tcpCloseWaitTimeout: null
  tcpEstablishedTimeout: null
  udpStreamTimeout: 0s
  udpTimeout: 0s
detectLocal:
  bridgeInterface: ""
  interfaceNamePrefix: ""
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables:
  localhostNodePorts: null
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
ipvs:
  excludeCIDRs: null
  minSyncPeriod: 0s
  scheduler: ""
  strictARP: false
  syncPeriod: 0s
  tcpFinTimeout: 0s
  tcpTimeout: 0s
  udpTimeout: 0s
kind: KubeProxyConfiguration
logging:
  flushFrequency: 0
  options:
    json:
      infoBufferSize: "0"
    text:
      infoBufferSize: "0"
  verbosity: 0
metricsBindAddress: ""
mode: ""
nftables:
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel:
  enableDSR: false
  forwardHealthCheckVip: false
  networkName: ""
  rootHnsEndpointName: ""
  sourceVip: ""
)";

std::string with(std::string_view line) {
  return cat("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n", line,
             "\n");
}

TEST(ProxyConfiguration, ZerosOfTheFileOfKubeadmAreTheDefaults) {
  const auto read = parse_settings(kKubeadm);
  ASSERT_TRUE(read.has_value()) << read.error().to_string();
  EXPECT_EQ(read->warning, "");
  EXPECT_EQ(read->kubeconfig, "/var/lib/kube-proxy/kubeconfig.conf");
  const ProxyOptions& options = read->options;
  EXPECT_EQ(options.cluster_cidr, "10.244.0.0/16");
  EXPECT_EQ(options.sync_period, seconds(30));
  EXPECT_EQ(options.min_sync_period, seconds(1));
  EXPECT_EQ(options.masquerade_bit, 14);
  EXPECT_TRUE(options.localhost_node_ports);
  EXPECT_EQ(options.healthz_bind_address, "0.0.0.0:10256");
  EXPECT_EQ(options.metrics_bind_address, "127.0.0.1:10249");
  EXPECT_EQ(options.conntrack.max_per_core, 32768);
  EXPECT_EQ(options.conntrack.tcp_established_timeout, hours(24));
  EXPECT_EQ(options.conntrack.udp_timeout, seconds(0));
}

TEST(ProxyConfiguration, WhatIsSetIsTaken) {
  const auto read = parse_settings(with(
      "mode: iptables\niptables: {masqueradeBit: 0, localhostNodePorts: false, syncPeriod: 1h}\n"
      "conntrack: {maxPerCore: 0, udpTimeout: 20s, tcpCloseWaitTimeout: 0s}\n"
      "healthzBindAddress: 10.0.0.1\nlogging: {verbosity: 4}\n"
      "detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: veth}"));
  ASSERT_TRUE(read.has_value()) << read.error().to_string();
  EXPECT_EQ(read->options.masquerade_bit, 0);
  EXPECT_FALSE(read->options.localhost_node_ports);
  EXPECT_EQ(read->options.sync_period, hours(1));
  EXPECT_EQ(read->options.conntrack.max_per_core, 0);
  EXPECT_EQ(read->options.conntrack.udp_timeout, seconds(20));
  EXPECT_EQ(read->options.conntrack.tcp_close_wait_timeout, seconds(0));
  EXPECT_EQ(read->options.healthz_bind_address, "10.0.0.1:10256");
  EXPECT_EQ(read->options.interface_name_prefix, "veth");
  EXPECT_EQ(read->verbosity, 4);
}

TEST(ProxyConfiguration, AFieldThatNobodyKnowsIsAWarning) {
  const auto read = parse_settings(with("colour: green\niptables: {masquerade: true}"));
  ASSERT_TRUE(read.has_value()) << read.error().to_string();
  EXPECT_EQ(read->warning,
            "strict decoding error: unknown field \"colour\", unknown field "
            "\"iptables.masquerade\"");
}

TEST(ProxyConfiguration, AnotherKindOrAWrongValueIsRefused) {
  EXPECT_EQ(parse_settings("kind: Pod\napiVersion: v1").error().message(),
            "no kind \"Pod\" is registered for version \"v1\"");
  EXPECT_FALSE(parse_settings("[]"));
  EXPECT_FALSE(parse_settings(with("mode: carrier-pigeon")));
  EXPECT_FALSE(parse_settings(with("iptables: {syncPeriod: soon}")));
  EXPECT_FALSE(parse_settings(with("iptables: {masqueradeBit: 32}")));
}

}  // namespace
}  // namespace kpp::proxy
