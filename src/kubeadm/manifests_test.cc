#include "kubeadm/manifests.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "codec/yaml.h"
#include "kubeadm/add_ons.h"
#include "kubeadm/cluster_images.h"
#include "kubeadm/kubelet_start.h"

namespace kpp::kubeadm {
namespace {

InitConfig a_config() {
  InitConfig config;
  config.node.name = "class";
  config.advertise_address = "192.168.1.12";
  return config;
}

bool has(const std::vector<std::string>& flags, std::string_view flag) {
  return std::ranges::find(flags, flag) != flags.end();
}

TEST(Manifests, FlagsAreSortedAndThoseGivenWin) {
  InitConfig config = a_config();
  config.cluster.api_server.args = {{"v", "4"}, {"authorization-mode", "RBAC"}};
  const auto flags = api_server_flags(config);
  EXPECT_TRUE(std::ranges::is_sorted(flags));
  EXPECT_TRUE(has(flags, "--advertise-address=192.168.1.12"));
  EXPECT_TRUE(has(flags, "--authorization-mode=RBAC"));
  EXPECT_FALSE(has(flags, "--authorization-mode=Node,RBAC"));
  EXPECT_TRUE(has(flags, "--v=4"));
  EXPECT_TRUE(has(flags, "--etcd-servers=https://127.0.0.1:2379"));
  EXPECT_TRUE(has(flags, "--service-account-issuer=https://kubernetes.default.svc.cluster.local"));
}

TEST(Manifests, EmbeddedStoreHasADirectoryInsteadOfEtcd) {
  InitConfig config = a_config();
  config.cluster.store = StoreKind::kEmbedded;
  const auto flags = api_server_flags(config);
  EXPECT_TRUE(has(flags, "--data-dir=/var/lib/kpp/apiserver"));
  EXPECT_FALSE(std::ranges::any_of(flags, [](auto& f) { return f.starts_with("--etcd"); }));
}

TEST(Manifests, NodeNetworksAreAllocatedWhereAPodSubnetIsGiven) {
  InitConfig config = a_config();
  EXPECT_FALSE(has(controller_manager_flags(config), "--allocate-node-cidrs=true"));
  config.cluster.pod_subnet = "10.44.0.0/16";
  EXPECT_TRUE(has(controller_manager_flags(config), "--allocate-node-cidrs=true"));
  EXPECT_TRUE(has(controller_manager_flags(config), "--cluster-cidr=10.44.0.0/16"));
}

TEST(Manifests, PodsAreCriticalOnTheHostsNetworkWithProbes) {
  for (const char* component :
       {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"}) {
    const json::Value pod(static_pod(component, a_config()));
    EXPECT_EQ(json::text_at(pod, "metadata.name"), component);
    EXPECT_EQ(json::text_at(pod, "metadata.namespace"), "kube-system");
    EXPECT_EQ(json::text_at(pod, "metadata.labels.tier"), "control-plane");
    EXPECT_EQ(json::text_at(pod, "spec.priorityClassName"), "system-node-critical");
    EXPECT_TRUE(json::find(pod, "spec.hostNetwork")->get_bool());
    const json::Value& container = json::find(pod, "spec.containers")->get_array()[0];
    EXPECT_EQ(container.at("command").at(0).get_string(), component);
    EXPECT_EQ(json::text_at(container, "livenessProbe.httpGet.port"), "probe-port");
    EXPECT_TRUE(container.get_object().contains("startupProbe"));
    // Every mount has its volume.
    EXPECT_EQ(container.at("volumeMounts").get_array().size(),
              json::find(pod, "spec.volumes")->get_array().size());
    EXPECT_TRUE(yaml::parse(yaml::write(pod)));
  }
}

TEST(Images, AreNamedAsTheOriginalNamesThem) {
  ClusterConfig config;
  const auto names = image_names(config);
  ASSERT_EQ(names.size(), 7U);
  EXPECT_EQ(names[0], cat("registry.k8s.io/kube-apiserver:", kKubernetesVersion));
  EXPECT_TRUE(names[4].starts_with("registry.k8s.io/coredns/coredns:"));
  EXPECT_EQ(names[5], "registry.k8s.io/pause:3.10.1");
  config.image_repository = "repo.example/k8s";
  EXPECT_TRUE(image_names(config)[4].starts_with("repo.example/k8s/coredns:"));
  config.store = StoreKind::kEmbedded;
  EXPECT_EQ(image_names(config).size(), 6U);
}

TEST(KubeletStart, FlagsSurviveTheirFile) {
  NodeRegistration node;
  node.name = "class";
  node.taints = std::vector<Taint>{{"a", "", "NoSchedule"}, {"b", "c", "NoExecute"}};
  node.kubelet_args = {{"node-ip", "10.0.0.9"}, {"v", "3"}};
  const auto flags = kubelet_flags(node, "192.168.1.12");
  EXPECT_TRUE(has(flags, "--register-with-taints=a=:NoSchedule,b=c:NoExecute"));
  EXPECT_TRUE(has(flags, "--node-ip=10.0.0.9"));
  EXPECT_FALSE(has(flags, "--node-ip=192.168.1.12"));
  EXPECT_EQ(read_flags_file(flags_file_text(flags)).value(), flags);
  EXPECT_FALSE(read_flags_file("SOMETHING=x"));
}

TEST(Manifests, VolumesAndEnvironmentThatWereGivenAreThePods) {
  InitConfig config = a_config();
  config.cluster.api_server.volumes = {
      {"audit", "/etc/audit", "/etc/audit", "DirectoryOrCreate", true}};
  config.cluster.api_server.envs = {json::Object{{"name", "TZ"}, {"value", "UTC"}}};
  const json::Value pod(static_pod("kube-apiserver", config));
  const json::Value& container = pod.at("spec").at("containers").at(0);
  EXPECT_EQ(json::text_at(container.at("env").at(0), "name"), "TZ");
  // In the order of their names.
  EXPECT_EQ(json::text_at(container.at("volumeMounts").at(0), "name"), "audit");
  EXPECT_TRUE(container.at("volumeMounts").at(0).at("readOnly").get_bool());
  EXPECT_EQ(json::text_at(pod.at("spec").at("volumes").at(0), "hostPath.type"),
            "DirectoryOrCreate");
  EXPECT_EQ(static_pod("kube-scheduler", a_config()), static_pod("kube-scheduler", config));
}

TEST(Images, ThoseOfDnsAndEtcdMayBeElsewhere) {
  ClusterConfig cluster;
  cluster.image_repository = "one.example";
  cluster.dns_image = {"two.example", "v2"};
  cluster.etcd_image.tag = "3.9";
  EXPECT_EQ(image_name("coredns", cluster), "two.example/coredns:v2");
  EXPECT_EQ(image_name("etcd", cluster), "one.example/etcd:3.9");
  EXPECT_TRUE(
      image_name("coredns", ClusterConfig()).starts_with("registry.k8s.io/coredns/coredns:"));
}

TEST(KubeletStart, ConfigurationKeepsWhatWasGiven) {
  ClusterConfig cluster;
  const json::Value config(
      kubelet_configuration(cluster, {{"maxPods", 30}, {"cgroupDriver", "systemd"}}, "cgroupfs"));
  EXPECT_EQ(json::int_at(config, "maxPods"), 30);
  EXPECT_EQ(json::text_at(config, "cgroupDriver"), "systemd");
  EXPECT_EQ(json::text_at(config, "staticPodPath"), "/etc/kubernetes/manifests");
  EXPECT_EQ(config.at("clusterDNS").at(0).get_string(), "10.96.0.10");
  EXPECT_EQ(
      json::text_at(json::Value(kubelet_configuration(cluster, {}, "cgroupfs")), "cgroupDriver"),
      "cgroupfs");
}

TEST(AddOns, DnsHasTheTenthAddressAndTwoReplicas) {
  ClusterConfig cluster;
  cluster.service_subnet = "10.50.0.0/16";
  const auto objects = dns_objects(cluster);
  ASSERT_TRUE(objects);
  bool service = false;
  for (const json::Object& object : *objects) {
    const json::Value value(object);
    if (json::text_at(value, "kind") == "Service") {
      service = true;
      EXPECT_EQ(json::text_at(value, "spec.clusterIP"), "10.50.0.10");
    }
    if (json::text_at(value, "kind") == "Deployment") {
      EXPECT_EQ(json::int_at(value, "spec.replicas"), 2);
    }
  }
  EXPECT_TRUE(service);
}

}  // namespace
}  // namespace kpp::kubeadm
