#include "controllers/endpointslice/endpointslice_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class EndpointSliceTest : public testing::ControllerTest {
 protected:
  corev1::Service make_service() {
    corev1::Service service;
    service.metadata.name = "web";
    service.metadata.namespace_ = "default";
    service.metadata.labels = {{"team", "a"}};
    service.spec.selector = {{"app", "web"}};
    service.spec.cluster_ip = "10.96.0.7";
    auto& port = service.spec.ports.emplace_back();
    port.name = "http";
    port.protocol = "TCP";
    port.port = 80;
    port.target_port = api::IntOrString("web");
    return service;
  }
  void put_pod(const std::string& name, const std::string& ip, bool ready, int port = 8080) {
    corev1::Pod pod;
    pod.metadata.name = name;
    pod.metadata.namespace_ = "default";
    pod.metadata.labels = {{"app", "web"}};
    pod.spec.node_name = "node1";
    auto& container = pod.spec.containers.emplace_back();
    auto& p = container.ports.emplace_back();
    p.name = "web";
    p.container_port = port;
    p.protocol = "TCP";
    pod.status.phase = "Running";
    pod.status.pod_ip = ip;
    pod.status.pod_ips.emplace_back().ip = ip;
    auto& condition = pod.status.conditions.emplace_back();
    condition.type = "Ready";
    condition.status = ready ? "True" : "False";
    api_.put(pod);
    run();
  }
  std::vector<discoveryv1::EndpointSlice> slices() {
    return api_.all<discoveryv1::EndpointSlice>();
  }
};

TEST_F(EndpointSliceTest, ASliceListsThePodsOfAService) {
  api_.put(make_service());
  put_pod("web-1", "10.0.0.1", true);
  start<EndpointSliceController>();
  ASSERT_EQ(slices().size(), 1u);
  const auto slice = slices()[0];
  EXPECT_TRUE(slice.metadata.name.starts_with("web-"));
  EXPECT_EQ(slice.metadata.labels,
            (std::map<std::string, std::string>{
                {"kubernetes.io/service-name", "web"},
                {"endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"},
                {"team", "a"}}));
  EXPECT_EQ(slice.address_type, "IPv4");
  ASSERT_EQ(slice.endpoints.size(), 1u);
  EXPECT_EQ(slice.endpoints[0].addresses, std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(slice.endpoints[0].conditions.ready, true);
  EXPECT_EQ(slice.endpoints[0].node_name, "node1");
  EXPECT_EQ(slice.endpoints[0].target_ref->name, "web-1");
  ASSERT_EQ(slice.ports.size(), 1u);
  EXPECT_EQ(slice.ports[0].port, 8080);
  EXPECT_EQ(slice.ports[0].name, "http");
}

TEST_F(EndpointSliceTest, FollowsReadinessArrivalAndDeparture) {
  api_.put(make_service());
  start<EndpointSliceController>();
  ASSERT_EQ(slices().size(), 1u);
  EXPECT_TRUE(slices()[0].endpoints.empty());
  put_pod("web-1", "10.0.0.1", false);
  ASSERT_EQ(slices().size(), 1u);
  ASSERT_EQ(slices()[0].endpoints.size(), 1u);
  EXPECT_EQ(slices()[0].endpoints[0].conditions.ready, false);
  put_pod("web-1", "10.0.0.1", true);
  put_pod("web-2", "10.0.0.2", true);
  ASSERT_EQ(slices()[0].endpoints.size(), 2u);
  EXPECT_EQ(slices()[0].endpoints[0].conditions.ready, true);
  EXPECT_EQ(api_.remove<corev1::Pod>({"default", "web-1"}), 200);
  run();
  ASSERT_EQ(slices()[0].endpoints.size(), 2u);  // terminating, still there
  EXPECT_EQ(slices()[0].endpoints[0].conditions.terminating, true);
  EXPECT_EQ(slices()[0].endpoints[0].conditions.ready, false);
  EXPECT_EQ(slices()[0].endpoints[0].conditions.serving, true);
  api_.erase<corev1::Pod>({"default", "web-1"});
  run();
  EXPECT_EQ(slices()[0].endpoints.size(), 1u);
}

TEST_F(EndpointSliceTest, ASliceHoldsAHundredEndpoints) {
  api_.put(make_service());
  start<EndpointSliceController>();
  for (int i = 0; i < 101; ++i) put_pod(cat("web-", i), cat("10.0.1.", i), true);
  ASSERT_EQ(slices().size(), 2u);
  EXPECT_EQ(slices()[0].endpoints.size() + slices()[1].endpoints.size(), 101u);
}

TEST_F(EndpointSliceTest, PodsWithOtherPortNumbersHaveSlicesOfTheirOwn) {
  api_.put(make_service());
  put_pod("web-1", "10.0.0.1", true, 8080);
  put_pod("web-2", "10.0.0.2", true, 9090);
  start<EndpointSliceController>();
  EXPECT_EQ(slices().size(), 2u);
}

}  // namespace
}  // namespace kpp::controllers
