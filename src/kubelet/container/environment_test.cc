#include "kubelet/container/environment.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

corev1::EnvVar plain(const std::string& name, const std::string& value) {
  corev1::EnvVar out;
  out.name = name;
  out.value = value;
  return out;
}

struct Fixture : ::testing::Test {
  Result<Environment> make() {
    return make_environment({pod, container, facts, objects, services, master});
  }
  std::map<std::string, std::string> map() {
    const auto made = make();
    EXPECT_TRUE(made) << (made ? "" : made.error().to_string());
    if (!made) return {};
    return {made->begin(), made->end()};
  }

  corev1::Pod pod;
  corev1::Container container;
  PodFacts facts;
  ConfigSnapshot objects;
  std::vector<std::shared_ptr<const corev1::Service>> services;
  std::string master = "default";
};
using EnvironmentTest = Fixture;

TEST_F(EnvironmentTest, EarlierVariablesExpandLaterOnesDoNot) {
  container.env = {plain("PLAIN", "v"), plain("REF", "$(PLAIN)-$(LATER)-$$(PLAIN)-$(UNKNOWN)"),
                   plain("LATER", "late")};
  EXPECT_EQ(map()["REF"], "v-$(LATER)-$(PLAIN)-$(UNKNOWN)");
}

TEST_F(EnvironmentTest, MissingConfigMapIsNamed) {
  corev1::EnvVar variable;
  variable.name = "X";
  auto& ref = variable.value_from.emplace().config_map_key_ref.emplace();
  ref.local_object_reference.name = "cm";
  ref.key = "k";
  container.env = {variable};
  const auto made = make();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "configmap \"cm\" not found");
}

TEST_F(EnvironmentTest, MissingKeyIsNamed) {
  pod.metadata.namespace_ = "ns";
  objects.secrets["sec"] = std::make_shared<corev1::Secret>();
  corev1::EnvVar variable;
  variable.name = "X";
  auto& ref = variable.value_from.emplace().secret_key_ref.emplace();
  ref.local_object_reference.name = "sec";
  ref.key = "nokey";
  container.env = {variable};
  const auto made = make();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "couldn't find key nokey in Secret ns/sec");
  container.env[0].value_from->secret_key_ref->optional = true;
  EXPECT_TRUE(map().empty());
}

TEST_F(EnvironmentTest, LimitsAreRoundedUpByTheDivisor) {
  container.name = "c";
  container.resources.limits["cpu"] = api::Quantity("150m");
  pod.spec.containers = {container};
  corev1::EnvVar variable;
  variable.name = "CPU";
  variable.value_from.emplace().resource_field_ref.emplace().resource = "limits.cpu";
  container.env = {variable};
  EXPECT_EQ(map()["CPU"], "1");
  container.env[0].value_from->resource_field_ref->divisor = api::Quantity("1m");
  EXPECT_EQ(map()["CPU"], "150");
}

TEST_F(EnvironmentTest, ServicesOfTheNamespaceAndKubernetesAreThere) {
  corev1::Service kubernetes;
  kubernetes.metadata.name = "kubernetes";
  kubernetes.metadata.namespace_ = "default";
  kubernetes.spec.cluster_ip = "10.96.0.1";
  corev1::ServicePort port;
  port.name = "https";
  port.port = 443;
  kubernetes.spec.ports = {port};
  services = {std::make_shared<const corev1::Service>(kubernetes)};
  pod.metadata.namespace_ = "other";
  const auto env = map();
  EXPECT_EQ(env.at("KUBERNETES_SERVICE_HOST"), "10.96.0.1");
  EXPECT_EQ(env.at("KUBERNETES_SERVICE_PORT_HTTPS"), "443");
  EXPECT_EQ(env.at("KUBERNETES_PORT"), "tcp://10.96.0.1:443");
  EXPECT_EQ(env.at("KUBERNETES_PORT_443_TCP_PROTO"), "tcp");
}

}  // namespace
}  // namespace kpp::kubelet
