#include "kubeadm/config.h"

#include <gtest/gtest.h>

#include "codec/yaml.h"
#include "kubeadm/config_reader.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kInit = R"(
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration:
  name: class
  criSocket: unix:///run/x.sock
  taints: []
  kubeletExtraArgs:
  - name: v
    value: "4"
localAPIEndpoint:
  advertiseAddress: 192.168.1.12
  bindPort: 7443
bootstrapTokens:
- token: abcdef.0123456789abcdef
  ttl: 48h0m0s
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: lab
networking:
  podSubnet: 10.44.0.0/16
apiServer:
  certSANs: [lab.example, 10.0.0.9]
  extraArgs:
  - name: v
    value: "2"
etcd:
  local:
    dataDir: /srv/etcd
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: 30
)";

TEST(InitConfig, DocumentsAreReadOverTheDefaults) {
  InitConfig config;
  std::vector<std::string> warnings;
  const Status status = read_init_config(kInit, config, warnings);
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(config.node.name, "class");
  ASSERT_TRUE(config.node.taints);
  EXPECT_TRUE(config.node.taints->empty());
  EXPECT_EQ(config.bind_port, 7443);
  EXPECT_EQ(config.tokens.at(0).ttl, std::chrono::hours(48));
  EXPECT_EQ(config.cluster.cluster_name, "lab");
  EXPECT_EQ(config.cluster.service_subnet, "10.96.0.0/12");
  EXPECT_EQ(config.cluster.cert_sans.size(), 2U);
  EXPECT_EQ(config.cluster.api_server.args.at(0).value, "2");
  EXPECT_EQ(config.cluster.etcd_data_dir, "/srv/etcd");
  EXPECT_EQ(json::int_at(config.kubelet, "maxPods"), 30);
  EXPECT_TRUE(validate(config).ok()) << validate(config).to_string();
}

TEST(InitConfig, UnknownFieldIsAWarningThatNamesIt) {
  InitConfig config;
  std::vector<std::string> warnings;
  ASSERT_TRUE(read_init_config("apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
                               "networking: {podsubnet: 10.44.0.0/16}\n",
                               config, warnings)
                  .ok());
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(
      warnings[0],
      "error unmarshaling configuration schema.GroupVersionKind{Group:\"kubeadm.k8s.io\", "
      "Version:\"v1beta4\", Kind:\"ClusterConfiguration\"}: strict decoding error: unknown field "
      "\"networking.podsubnet\"");
}

TEST(InitConfig, WrongDocumentsAreRefusedByName) {
  const struct {
    const char* name;
    const char* yaml;
    const char* message;
  } rows[] = {
      {"old version", "apiVersion: kubeadm.k8s.io/v1beta2\nkind: InitConfiguration\n",
       "your configuration file uses an old API spec: \"kubeadm.k8s.io/v1beta2\""},
      {"no kind", "apiVersion: kubeadm.k8s.io/v1beta4\n", "invalid configuration for"},
      {"other kind", "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n",
       "no InitConfiguration or ClusterConfiguration kind was found"},
      {"wrong type",
       "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint: {bindPort: "
       "x}\n",
       "InitConfiguration: localAPIEndpoint.bindPort: must be a number"},
  };
  for (const auto& row : rows) {
    InitConfig config;
    std::vector<std::string> warnings;
    const Status status = read_init_config(row.yaml, config, warnings);
    EXPECT_TRUE(status.is(Reason::kInvalid)) << row.name;
    EXPECT_TRUE(status.message().starts_with(row.message)) << row.name << ": " << status.message();
  }
}

TEST(InitConfig, ContradictionsAreRefused) {
  const struct {
    const char* name;
    void (*spoil)(InitConfig&);
    const char* message;
  } rows[] = {
      {"service subnet", [](InitConfig& c) { c.cluster.service_subnet = "10.96.0.0"; },
       "networking.serviceSubnet: Invalid value: \"10.96.0.0\""},
      {"overlap", [](InitConfig& c) { c.cluster.pod_subnet = "10.96.0.0/16"; },
       "networking.podSubnet: Invalid value: \"10.96.0.0/16\": overlaps the service subnet"},
      {"version", [](InitConfig& c) { c.cluster.kubernetes_version = "v1.20.0"; },
       "kubernetesVersion: Invalid value: \"v1.20.0\""},
      {"address", [](InitConfig& c) { c.advertise_address = "class"; },
       "localAPIEndpoint.advertiseAddress: Invalid value: \"class\""},
      {"token",
       [](InitConfig& c) {
         c.tokens.resize(1);
         c.tokens[0].token = "abc";
       },
       "the bootstrap token \"abc\" was not of the form"},
      {"algorithm", [](InitConfig& c) { c.cluster.encryption_algorithm = "DSA"; },
       "encryptionAlgorithm: Invalid value: \"DSA\""},
  };
  for (const auto& row : rows) {
    InitConfig config;
    config.advertise_address = "192.168.1.12";
    ASSERT_TRUE(validate(config).ok());
    row.spoil(config);
    EXPECT_TRUE(validate(config).message().starts_with(row.message))
        << row.name << ": " << validate(config).message();
  }
}

TEST(InitConfig, WhatTheConfigMapHoldsIsReadAgain) {
  ClusterConfig cluster;
  cluster.pod_subnet = "10.44.0.0/16";
  cluster.cert_sans = {"a.example"};
  cluster.scheduler.args = {{"v", "3"}};
  cluster.control_plane_endpoint = "lb:6443";
  InitConfig back;
  std::vector<std::string> warnings;
  const std::string yaml = yaml::write(to_document(cluster));
  ASSERT_TRUE(read_init_config(yaml, back, warnings).ok());
  EXPECT_TRUE(warnings.empty()) << warnings[0];
  EXPECT_EQ(yaml::write(to_document(back.cluster)), yaml);
}

TEST(InitConfig, DefaultsThatArePrintedAreAccepted) {
  InitConfig config;
  std::vector<std::string> warnings;
  EXPECT_TRUE(read_init_config(print_init_defaults(), config, warnings).ok());
  EXPECT_TRUE(warnings.empty()) << warnings[0];
  EXPECT_FALSE(config.node.taints);
}

TEST(JoinConfig, DiscoveryWithoutTrustIsRefused) {
  JoinConfig config;
  config.api_server_endpoint = "192.168.1.12:6443";
  config.token = "abcdef.0123456789abcdef";
  EXPECT_TRUE(validate(config).message().starts_with("discovery.bootstrapToken.caCertHashes"));
  config.ca_cert_hashes = {"sha256:abc"};
  EXPECT_EQ(validate(config).message(),
            "invalid hash \"sha256:abc\", expected \"sha256:hex-encoded-hash\"");
  config.ca_cert_hashes = {cat("sha256:", std::string(64, 'a'))};
  EXPECT_TRUE(validate(config).ok());
  config.api_server_endpoint = "192.168.1.12";
  EXPECT_TRUE(validate(config).message().ends_with("missing port in address"));
}

TEST(InitConfig, EveryUsualFieldIsReadAndWrittenAgain) {
  constexpr std::string_view kText = R"(
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
skipPhases: [addon/kube-proxy]
patches: {directory: /etc/patches}
timeouts: {controlPlaneComponentHealthCheck: 1m0s, kubeletHealthCheck: 2m0s}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer:
  extraArgs: [{name: audit-log-path, value: "-"}, {name: audit-policy-file, value: /etc/audit/p.yaml}]
  extraEnvs: [{name: TZ, value: UTC}]
  extraVolumes: [{name: audit, hostPath: /etc/audit, mountPath: /etc/audit, readOnly: true, pathType: Directory}]
dns: {imageRepository: two.example, imageTag: v2}
etcd: {local: {dataDir: /srv/etcd, serverCertSANs: [a.example], peerCertSANs: [b.example]}}
)";
  InitConfig config;
  std::vector<std::string> warnings;
  const Status status = read_init_config(kText, config, warnings);
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_TRUE(warnings.empty()) << warnings[0];
  EXPECT_EQ(config.skip_phases.at(0), "addon/kube-proxy");
  EXPECT_EQ(config.patches_dir, "/etc/patches");
  EXPECT_EQ(config.timeouts.control_plane, std::chrono::minutes(1));
  EXPECT_EQ(config.cluster.api_server.volumes.at(0).path_type, "Directory");
  EXPECT_TRUE(config.cluster.api_server.volumes.at(0).read_only);
  EXPECT_EQ(config.cluster.dns_image.tag, "v2");
  const auto once = migrate_config(kText, warnings);
  ASSERT_TRUE(once) << once.error().to_string();
  EXPECT_EQ(migrate_config(*once, warnings).value(), *once);
  EXPECT_TRUE(once->contains("hostPath: /etc/audit"));
}

TEST(InitConfig, VersionBeforeIsReadWithAWarningAndMigrated) {
  constexpr std::string_view kText =
      "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n"
      "apiServer: {extraArgs: {v: '4'}, timeoutForControlPlane: 5m0s}\n";
  InitConfig config;
  std::vector<std::string> warnings;
  ASSERT_TRUE(read_init_config(kText, config, warnings).ok());
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(warnings[0].starts_with("your configuration file uses a deprecated API spec"));
  EXPECT_EQ(config.cluster.api_server.args.at(0).value, "4");
  EXPECT_EQ(config.timeouts.control_plane, std::chrono::minutes(5));
  const auto migrated = migrate_config(kText, warnings);
  ASSERT_TRUE(migrated);
  EXPECT_TRUE(migrated->contains("- name: v\n"));
  EXPECT_FALSE(migrated->contains("v1beta3"));
}

TEST(Config, ValidateRefusesWhatElsewhereIsAWarning) {
  std::vector<std::string> warnings;
  EXPECT_TRUE(check_config(print_init_defaults(), warnings).ok());
  EXPECT_TRUE(check_config(print_join_defaults(), warnings).ok());
  EXPECT_TRUE(check_config(print_reset_defaults(), warnings).ok());
  EXPECT_TRUE(check_config("apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nx: 1\n",
                           warnings)
                  .message()
                  .ends_with("strict decoding error: unknown field \"x\""));
  EXPECT_EQ(check_config("apiVersion: example.com/v1\nkind: Foo\n", warnings).message(),
            "unknown configuration APIs: []schema.GroupVersionKind{schema.GroupVersionKind{Group:"
            "\"example.com\", Version:\"v1\", Kind:\"Foo\"}}");
}

TEST(BootstrapToken, GroupsNeedTheUsageAuthentication) {
  BootstrapToken token;
  token.token = "abcdef.0123456789abcdef";
  EXPECT_TRUE(validate(token).ok());
  token.usages = {"signing"};
  EXPECT_TRUE(validate(token).message().contains("token groups cannot be specified unless"));
  token.usages = {"other"};
  EXPECT_TRUE(validate(token).message().contains("invalid bootstrap token usage string: other"));
  token.usages = {"authentication"};
  token.groups = {"admins"};
  EXPECT_TRUE(validate(token).message().contains("bootstrap group \"admins\" is invalid"));
}

TEST(Duration, IsReadAsGoReadsIt) {
  EXPECT_EQ(*parse_duration("1h30m"), std::chrono::minutes(90));
  EXPECT_EQ(*parse_duration("0"), std::chrono::seconds(0));
  EXPECT_EQ(*parse_duration("1.5m"), std::chrono::seconds(90));
  EXPECT_FALSE(parse_duration("5"));
  EXPECT_FALSE(parse_duration("h"));
  EXPECT_FALSE(parse_duration("-1s"));
  EXPECT_EQ(duration_text(std::chrono::hours(24)), "24h0m0s");
}

}  // namespace
}  // namespace kpp::kubeadm
