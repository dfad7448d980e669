#include "controllers/node_ipam/node_ipam_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class NodeIpamTest : public testing::ControllerTest {
 protected:
  void put_node(const std::string& name, const std::string& range = {}) {
    corev1::Node node;
    node.metadata.name = name;
    node.spec.pod_cidr = range;
    if (!range.empty()) node.spec.pod_cidrs = {range};
    api_.put(node);
    run();
  }
  std::vector<std::string> ranges(const std::string& name) {
    return api_.get<corev1::Node>({"", name})->spec.pod_cidrs;
  }
};

TEST(CidrSet, GivesEachPartOnce) {
  auto set = CidrSet::make("10.244.0.0/22", 24);
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->take("10.244.1.0/24"));
  EXPECT_EQ(set->take_next(), "10.244.0.0/24");
  EXPECT_EQ(set->take_next(), "10.244.2.0/24");
  EXPECT_EQ(set->take_next(), "10.244.3.0/24");
  EXPECT_EQ(set->take_next(), std::nullopt);
  EXPECT_TRUE(set->release("10.244.2.0/24"));
  EXPECT_EQ(set->take_next(), "10.244.2.0/24");
  EXPECT_FALSE(set->take("10.245.0.0/24"));
}

TEST(CidrSet, KnowsIpv6AndRefusesNonsense) {
  auto set = CidrSet::make("fd00:10::/56", 64);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->take_next(), "fd00:10::/64");
  EXPECT_EQ(set->take_next(), "fd00:10:0:1::/64");
  for (const auto* range : {"", "10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0.0/4"}) {
    EXPECT_FALSE(CidrSet::make(range, 24)) << range;
  }
}

TEST_F(NodeIpamTest, NodesGetRangesOfTheirOwn) {
  put_node("n0", "10.244.0.0/24");
  put_node("n1");
  start<NodeIpamController>(NodeIpamOptions{.cluster_cidrs = {"10.244.0.0/16"}});
  EXPECT_EQ(ranges("n1"), std::vector<std::string>{"10.244.1.0/24"});
  put_node("n2");
  EXPECT_EQ(ranges("n2"), std::vector<std::string>{"10.244.2.0/24"});
}

TEST_F(NodeIpamTest, AddressesOfServicesAreNoNodes) {
  put_node("n0");
  start<NodeIpamController>(
      NodeIpamOptions{.cluster_cidrs = {"10.244.0.0/16"}, .service_cidrs = {"10.244.0.0/23"}});
  EXPECT_EQ(ranges("n0"), std::vector<std::string>{"10.244.2.0/24"});
}

TEST_F(NodeIpamTest, ANodeThatGoesGivesItsRangeBack) {
  put_node("n0");
  start<NodeIpamController>(NodeIpamOptions{.cluster_cidrs = {"10.244.0.0/24"}});
  put_node("n1");
  EXPECT_TRUE(ranges("n1").empty());
  api_.erase<corev1::Node>({"", "n0"});
  advance(std::chrono::minutes(20));
  EXPECT_EQ(ranges("n1"), std::vector<std::string>{"10.244.0.0/24"});
}

TEST_F(NodeIpamTest, FewNodesMayAlwaysAsk) {
  put_node("n0");
  start<TtlController>();
  EXPECT_EQ(
      api_.get<corev1::Node>({"", "n0"})->metadata.annotations.at("node.alpha.kubernetes.io/ttl"),
      "0");
  for (int i = 1; i <= 100; ++i) put_node(cat("n", i));
  EXPECT_EQ(
      api_.get<corev1::Node>({"", "n0"})->metadata.annotations.at("node.alpha.kubernetes.io/ttl"),
      "15");
}

}  // namespace
}  // namespace kpp::controllers
