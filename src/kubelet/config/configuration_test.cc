#include "kubelet/config/configuration.h"

#include <gtest/gtest.h>

#include "base/fs.h"
#include "kubelet/config/node_labels.h"
#include "kubelet/config/options_of.h"
#include "kubelet/config/validation.h"

namespace kpp::kubelet {
namespace {

constexpr std::string_view kHead =
    "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
// As kubeadm writes it: nothing but defaults for most of it.
constexpr std::string_view kKubeadm = R"(
authentication:
  anonymous: {enabled: false}
  webhook: {cacheTTL: 0s, enabled: true}
  x509: {clientCAFile: pki/ca.crt}
authorization:
  mode: Webhook
  webhook: {cacheAuthorizedTTL: 0s, cacheUnauthorizedTTL: 0s}
cgroupDriver: systemd
clusterDNS: [10.96.0.10]
clusterDomain: cluster.example
containerRuntimeEndpoint: unix:///run/other.sock
cpuManagerReconcilePeriod: 0s
crashLoopBackOff: {}
evictionPressureTransitionPeriod: 0s
logging:
  flushFrequency: 0
  options: {json: {infoBufferSize: "0"}, text: {infoBufferSize: "0"}}
  verbosity: 0
memorySwap: {}
nodeStatusReportFrequency: 0s
nodeStatusUpdateFrequency: 0s
rotateCertificates: true
shutdownGracePeriod: 0s
staticPodPath: /etc/kubernetes/manifests
)";

std::string folder() {
  char name[] = "/tmp/kpp-config-XXXXXX";
  return ::mkdtemp(name);
}

const ConfigFlag& flag_named(std::string_view name) {
  return *std::ranges::find(config_flags(), name, &ConfigFlag::name);
}

Configuration decoded(std::string_view text) {
  const auto document = parse_configuration(cat(kHead, text));
  EXPECT_TRUE(document) << document.error().message();
  auto config = decode_configuration(*document);
  EXPECT_TRUE(config) << config.error().message();
  return *config;
}

std::string refusal(std::string_view text) {
  return validate_configuration(decoded(text)).message();
}

TEST(KubeletConfiguration, TheFileOfKubeadmBecomesOptions) {
  const std::string at = folder();
  ASSERT_TRUE(fs::make_directories(at + "/pki").ok());
  ASSERT_TRUE(fs::write_file_atomic(at + "/pki/ca.crt", "the authority").ok());
  ASSERT_TRUE(fs::write_file_atomic(at + "/config.yaml", cat(kHead, kKubeadm)).ok());
  const auto document = load_configuration(at + "/config.yaml");
  ASSERT_TRUE(document) << document.error().message();
  const auto config = decode_configuration(*document);
  ASSERT_TRUE(config);
  EXPECT_EQ(validate_configuration(*config).message(), "");
  EXPECT_EQ(fields_without_effect(*document), std::vector<std::string>());
  EXPECT_TRUE(config->rotate_certificates);
  KubeletOptions options;
  ASSERT_TRUE(apply_configuration(*config, options).ok());
  EXPECT_EQ(options.access.client_ca, "the authority");
  EXPECT_TRUE(options.access.webhook);
  EXPECT_EQ(options.access.token_ttl, std::chrono::minutes(2));
  EXPECT_TRUE(options.systemd_cgroups);
  EXPECT_EQ(options.cluster_dns, std::vector<std::string>{"10.96.0.10"});
  EXPECT_EQ(options.cluster_domain, "cluster.example");
  EXPECT_EQ(options.container_runtime_endpoint, "unix:///run/other.sock");
  EXPECT_EQ(options.static_pod_path, "/etc/kubernetes/manifests");
  EXPECT_EQ(options.report_period, std::chrono::minutes(5));
  EXPECT_EQ(options.max_pods, 110);
  ASSERT_TRUE(fs::remove_all(at).ok());
}

TEST(KubeletConfiguration, AnUnknownFieldIsAnErrorThatNamesIt) {
  const std::string at = folder();
  const std::string file = at + "/config.yaml";
  ASSERT_TRUE(
      fs::write_file_atomic(file, cat(kHead, "maxPod: 3\nauthorization: {modes: x}\n")).ok());
  EXPECT_EQ(
      load_configuration(file).error().message(),
      cat("failed to load kubelet config file, path: ", file,
          ", error: failed to load Kubelet config file ", file,
          ", error failed to decode: strict decoding error: unknown field \"maxPod\", unknown "
          "field \"authorization.modes\""));
  ASSERT_TRUE(fs::remove_all(at).ok());
}

TEST(KubeletConfiguration, OtherKindsAndFieldsThatStandTwiceAreRefused) {
  const auto text = [](std::string_view document) {
    return parse_configuration(document).error().message();
  };
  EXPECT_EQ(text("apiVersion: v1\nkind: Pod\n"),
            "no kind \"Pod\" is registered for version \"v1\"");
  EXPECT_EQ(text("apiVersion: v1\n"), "Object 'Kind' is missing in '{\"apiVersion\":\"v1\"}'");
  EXPECT_NE(text(cat(kHead, "port: 1\nport: 2\n")).find("key \"port\" already set in map"),
            std::string::npos);
}

TEST(KubeletConfiguration, FlagsGoBeforeTheFile) {
  auto document = parse_configuration(cat(kHead, "maxPods: 10\nclusterDNS: [10.0.0.10]\n"));
  ASSERT_TRUE(document);
  const auto set = [&](std::string_view name, std::vector<std::string> words) {
    return set_flag(*document, flag_named(name), words);
  };
  EXPECT_TRUE(set("max-pods", {"20"}).ok());
  EXPECT_TRUE(set("cluster-dns", {"10.1.0.10", "10.2.0.10"}).ok());
  EXPECT_TRUE(set("anonymous-auth", {"true"}).ok());
  EXPECT_TRUE(set("register-with-taints", {"a=b:NoSchedule", "c:NoExecute"}).ok());
  EXPECT_TRUE(set("eviction-hard", {"memory.available<1Gi"}).ok());
  EXPECT_EQ(
      set("max-pods", {"many"}).message(),
      "invalid argument \"many\" for \"--max-pods\" flag: strconv.ParseInt: parsing \"many\": "
      "invalid syntax");
  EXPECT_EQ(set("register-with-taints", {"a=b:Never"}).message(),
            "invalid argument \"a=b:Never\" for \"--register-with-taints\" flag: invalid taint "
            "effect: Never, unsupported taint effect");
  const auto config = decode_configuration(*document);
  ASSERT_TRUE(config) << config.error().message();
  KubeletOptions options;
  ASSERT_TRUE(apply_configuration(*config, options).ok());
  EXPECT_EQ(options.max_pods, 20);
  EXPECT_EQ(options.cluster_dns, (std::vector<std::string>{"10.1.0.10", "10.2.0.10"}));
  EXPECT_TRUE(options.access.anonymous);
  ASSERT_EQ(options.register_with_taints.size(), 2U);
  EXPECT_EQ(options.register_with_taints[0].value, "b");
  EXPECT_EQ(options.register_with_taints[1].effect, "NoExecute");
  EXPECT_EQ(options.eviction_hard,
            (std::map<std::string, std::string>{{"memory.available", "1Gi"}}));
}

TEST(KubeletConfiguration, WithoutAFileThePortIsOpenToAllAsTheOriginalsFlagsHaveIt) {
  json::Object document;
  set_defaults_without_file(document);
  ASSERT_TRUE(set_flag(document, flag_named("authorization-mode"), {"Webhook"}).ok());
  KubeletOptions options;
  ASSERT_TRUE(apply_configuration(*decode_configuration(document), options).ok());
  EXPECT_TRUE(options.access.anonymous);
  EXPECT_FALSE(options.access.token_webhook);
  EXPECT_TRUE(options.access.webhook);
}

TEST(KubeletConfiguration, WhatContradictsItselfOrIsNotSupportedIsNamed) {
  EXPECT_EQ(refusal(""), "");
  EXPECT_EQ(refusal("maxPods: -1"),
            "invalid configuration: maxPods (--max-pods) -1 must not be a negative number");
  EXPECT_EQ(refusal("enforceNodeAllocatable: [pods]\ncgroupsPerQOS: false"),
            "invalid configuration: enforceNodeAllocatable (--enforce-node-allocatable) is not "
            "supported unless cgroupsPerQOS (--cgroups-per-qos) is set to true");
  EXPECT_EQ(refusal("enforceNodeAllocatable: [system-reserved]"),
            "invalid configuration: systemReservedCgroup (--system-reserved-cgroup) must be "
            "specified when \"system-reserved\" contained in enforceNodeAllocatable "
            "(--enforce-node-allocatable)");
  EXPECT_EQ(refusal("kubeReserved: {gpu: \"1\"}"),
            "invalid configuration: kubeReserved: cannot reserve \"gpu\" resource");
  EXPECT_EQ(refusal("nodeStatusUpdateFrequency: \"10\""),
            "invalid configuration: nodeStatusUpdateFrequency: time: missing unit in duration "
            "\"10\"");
  EXPECT_EQ(refusal("cpuManagerPolicy: static"),
            "invalid configuration: cpuManagerPolicy \"static\" is not supported by this kubelet; "
            "leave it at \"none\"");
}

TEST(KubeletConfiguration, SwapIsRefusedUnlessItIsAllowed) {
  constexpr auto kTwo = sys::CgroupVersion::kV2;
  EXPECT_TRUE(check_machine(decoded(""), false, kTwo).ok());
  EXPECT_EQ(check_machine(decoded(""), true, kTwo).message(),
            "running with swap on is not supported, please disable swap or set --fail-swap-on flag "
            "to false");
  EXPECT_TRUE(check_machine(decoded("failSwapOn: false"), true, kTwo).ok());
}

TEST(KubeletConfiguration, TheOlderCgroupsAreRefusedWhereThatIsAskedFor) {
  constexpr auto kOne = sys::CgroupVersion::kV1;
  EXPECT_TRUE(check_machine(decoded(""), false, kOne).ok());
  EXPECT_FALSE(check_machine(decoded("failCgroupV1: true"), false, kOne).ok());
  EXPECT_TRUE(check_machine(decoded("failCgroupV1: true"), false, sys::CgroupVersion::kV2).ok());
}

TEST(KubeletConfiguration, FieldsThatChangeNothingAreToldOf) {
  const auto document =
      parse_configuration(cat(kHead, "imageGCHighThresholdPercent: 70\nsyncFrequency: 0s\n"));
  ASSERT_TRUE(document);
  EXPECT_EQ(fields_without_effect(*document),
            std::vector<std::string>{"imageGCHighThresholdPercent"});
}

TEST(NodeLabels, OnlySomeOfKubernetesOwnMayBeGiven) {
  const auto good = parse_node_labels({"disk=ssd", "node.kubernetes.io/pool=a", "x.io/y="});
  ASSERT_TRUE(good);
  EXPECT_EQ(good->at("x.io/y"), "");
  const auto bad = parse_node_labels({"node-role.kubernetes.io/worker=", "kubernetes.io/os=linux"});
  ASSERT_FALSE(bad);
  EXPECT_TRUE(bad.error().message().starts_with(
      "unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: "
      "[node-role.kubernetes.io/worker]\n--node-labels in the 'kubernetes.io' namespace must begin "
      "with an allowed prefix (kubelet.kubernetes.io, node.kubernetes.io) or be in the"))
      << bad.error().message();
}

}  // namespace
}  // namespace kpp::kubelet
