#include "controllers/endpointslice_mirroring/endpointslice_mirroring_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class MirroringTest : public testing::ControllerTest {
 protected:
  void put_service(bool with_selector = false) {
    corev1::Service service;
    service.metadata.namespace_ = "default";
    service.metadata.name = "db";
    if (with_selector) service.spec.selector = {{"app", "db"}};
    api_.put(service);
    run();
  }
  void put_endpoints(const std::vector<std::string>& addresses) {
    corev1::Endpoints endpoints;
    endpoints.metadata.namespace_ = "default";
    endpoints.metadata.name = "db";
    endpoints.metadata.labels["team"] = "x";
    endpoints.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"] = "{}";
    auto& subset = endpoints.subsets.emplace_back();
    for (const auto& address : addresses) subset.addresses.emplace_back().ip = address;
    auto& port = subset.ports.emplace_back();
    port.name = "sql";
    port.port = 5432;
    api_.put(endpoints);
    run();
  }
  std::vector<discoveryv1::EndpointSlice> slices() {
    return api_.all<discoveryv1::EndpointSlice>("default");
  }
};

TEST_F(MirroringTest, EndpointsOfAServiceWithoutSelectorAreCopied) {
  put_service();
  put_endpoints({"192.0.2.1", "192.0.2.2", "2001:db8::1"});
  start<EndpointSliceMirroringController>();
  ASSERT_EQ(slices().size(), 2U);
  const auto slice = slices()[0].address_type == "IPv4" ? slices()[0] : slices()[1];
  EXPECT_EQ(slice.endpoints.size(), 2U);
  EXPECT_EQ(slice.ports.at(0).port, 5432);
  EXPECT_EQ(slice.metadata.labels.at("kubernetes.io/service-name"), "db");
  EXPECT_EQ(slice.metadata.labels.at("endpointslice.kubernetes.io/managed-by"),
            "endpointslicemirroring-controller.k8s.io");
  EXPECT_EQ(slice.metadata.labels.at("team"), "x");
  EXPECT_TRUE(slice.metadata.annotations.empty());
  EXPECT_EQ(slice.metadata.owner_references.at(0).kind, "Endpoints");
}

TEST_F(MirroringTest, AChangeGoesIntoTheSameSlice) {
  put_service();
  put_endpoints({"192.0.2.1"});
  start<EndpointSliceMirroringController>();
  const std::string name = slices().at(0).metadata.name;
  put_endpoints({"192.0.2.7"});
  ASSERT_EQ(slices().size(), 1U);
  EXPECT_EQ(slices()[0].metadata.name, name);
  EXPECT_EQ(slices()[0].endpoints.at(0).addresses.at(0), "192.0.2.7");
}

TEST_F(MirroringTest, AServiceThatSelectsPodsIsNotMirrored) {
  put_service();
  put_endpoints({"192.0.2.1"});
  start<EndpointSliceMirroringController>();
  put_service(true);
  EXPECT_TRUE(slices().empty());
}

TEST_F(MirroringTest, WhoAsksNotToBeCopiedIsNot) {
  put_service();
  put_endpoints({"192.0.2.1"});
  api_.edit<corev1::Endpoints>({"default", "db"}, [](auto& endpoints) {
    endpoints.metadata.labels["endpointslice.kubernetes.io/skip-mirror"] = "true";
  });
  start<EndpointSliceMirroringController>();
  EXPECT_TRUE(slices().empty());
}

}  // namespace
}  // namespace kpp::controllers
