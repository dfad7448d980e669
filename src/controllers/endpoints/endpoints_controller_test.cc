#include "controllers/endpoints/endpoints_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class EndpointsTest : public testing::ControllerTest {
 protected:
  EndpointsTest() {
    corev1::Service service;
    service.metadata.name = "web";
    service.metadata.namespace_ = "default";
    service.spec.selector = {{"app", "web"}};
    service.spec.cluster_ip = "None";
    auto& port = service.spec.ports.emplace_back();
    port.port = 80;
    port.protocol = "TCP";
    port.target_port = api::IntOrString(8080);
    api_.put(service);
    put_pod("web-1", "10.0.0.1", true);
    put_pod("web-2", "10.0.0.2", false);
  }
  void put_pod(const std::string& name, const std::string& ip, bool ready) {
    corev1::Pod pod;
    pod.metadata.name = name;
    pod.metadata.namespace_ = "default";
    pod.metadata.labels = {{"app", "web"}};
    pod.status.phase = "Running";
    pod.status.pod_ip = ip;
    auto& condition = pod.status.conditions.emplace_back();
    condition.type = "Ready";
    condition.status = ready ? "True" : "False";
    api_.put(pod);
  }
};

TEST_F(EndpointsTest, ListsReadyAndUnreadyAddressesApart) {
  start<EndpointsController>();
  const auto endpoints = api_.get<corev1::Endpoints>({"default", "web"});
  ASSERT_TRUE(endpoints);
  EXPECT_EQ(endpoints->metadata.labels.at("endpoints.kubernetes.io/managed-by"),
            "endpoint-controller");
  EXPECT_TRUE(endpoints->metadata.labels.contains("service.kubernetes.io/headless"));
  ASSERT_EQ(endpoints->subsets.size(), 1u);
  ASSERT_EQ(endpoints->subsets[0].addresses.size(), 1u);
  EXPECT_EQ(endpoints->subsets[0].addresses[0].ip, "10.0.0.1");
  ASSERT_EQ(endpoints->subsets[0].not_ready_addresses.size(), 1u);
  EXPECT_EQ(endpoints->subsets[0].not_ready_addresses[0].ip, "10.0.0.2");
  EXPECT_EQ(endpoints->subsets[0].ports[0].port, 8080);
}

TEST_F(EndpointsTest, GoesWithItsService) {
  start<EndpointsController>();
  api_.erase<corev1::Service>({"default", "web"});
  run();
  EXPECT_FALSE(api_.get<corev1::Endpoints>({"default", "web"}));
}

}  // namespace
}  // namespace kpp::controllers
