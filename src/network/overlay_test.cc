#include "network/overlay.h"

#include <gtest/gtest.h>

#include "network/base_rules.h"

namespace kpp::network {
namespace {

corev1::Node node(const std::string& name, const std::string& range, const std::string& address) {
  corev1::Node out;
  out.metadata.name = name;
  out.spec.pod_cidr = range;
  out.spec.pod_cidrs = {range};
  corev1::NodeAddress internal;
  internal.type = "InternalIP";
  internal.address = address;
  out.status.addresses.push_back(internal);
  return out;
}

NodeNetwork with_tunnel(corev1::Node node, const std::string& mac) {
  node.metadata.annotations = {{kTunnelAddressAnnotation, node.status.addresses[0].address},
                               {kTunnelMacAnnotation, mac}};
  return network_of(node).value();
}

TEST(NetworkOf, ANodeWithoutARangeOrAnAddressHasNone) {
  EXPECT_TRUE(network_of(node("a", "10.244.1.0/24", "192.168.1.8")).has_value());
  EXPECT_FALSE(network_of(node("a", "", "192.168.1.8")).has_value());
  EXPECT_FALSE(network_of(node("a", "10.244.1.0/24", "not an address")).has_value());
  EXPECT_FALSE(network_of(node("a", "10.244.1.0/31", "192.168.1.8")).has_value());
}

TEST(NetworkOf, OfTwoFamiliesTheFirstIPv4RangeCounts) {
  corev1::Node both = node("a", "fd00:1::/64", "fd00::8");
  both.spec.pod_cidrs = {"fd00:1::/64", "10.244.1.0/24"};
  corev1::NodeAddress v4;
  v4.type = "InternalIP";
  v4.address = "192.168.1.8";
  both.status.addresses.push_back(v4);
  const auto network = network_of(both);
  ASSERT_TRUE(network.has_value());
  EXPECT_EQ(network->pods.to_string(), "10.244.1.0/24");
  EXPECT_EQ(sys::ipv4_text(network->address), "192.168.1.8");
}

TEST(NetworkOf, AnnotationsThatAreWrittenAreRead) {
  const TunnelEnd end{0xC0A80108, sys::parse_mac_address("c2:00:0a:f4:01:00").value()};
  corev1::Node told = node("a", "10.244.1.0/24", "192.168.1.8");
  told.metadata.annotations = annotations_of(end);
  EXPECT_EQ(network_of(told)->tunnel, end);
  told.metadata.annotations[kTunnelMacAnnotation] = "nonsense";
  EXPECT_FALSE(network_of(told)->tunnel.has_value());
}

TEST(OverlayPlan, ANodeIsReachedThroughItsTunnelEnd) {
  const auto b = with_tunnel(node("b", "10.244.1.0/24", "192.168.1.8"), "c2:00:00:00:00:01");
  const OverlayPlan plan = plan_overlay(7, {b}, {});
  ASSERT_EQ(plan.routes.size(), 1U);
  EXPECT_EQ(plan.routes[0].to.to_string(), "10.244.1.0/24");
  EXPECT_EQ(sys::ipv4_text(plan.routes[0].via), "10.244.1.0");
  EXPECT_TRUE(plan.routes[0].on_link);
  EXPECT_EQ(plan.routes[0].link, 7);
  ASSERT_EQ(plan.neighbors.size(), 1U);
  EXPECT_EQ(plan.neighbors[0].address, plan.routes[0].via);
  ASSERT_EQ(plan.forwarding.size(), 1U);
  EXPECT_EQ(sys::ipv4_text(plan.forwarding[0].address), "192.168.1.8");
  EXPECT_EQ(plan.forwarding[0].mac, plan.neighbors[0].mac);
}

TEST(OverlayPlan, ANodeWhoseAgentHasNotSpokenIsLeftOut) {
  const auto silent = network_of(node("b", "10.244.1.0/24", "192.168.1.8")).value();
  const OverlayPlan plan = plan_overlay(7, {silent}, {});
  EXPECT_TRUE(plan.routes.empty());
  EXPECT_TRUE(plan.forwarding.empty());
}

TEST(OverlayPlan, ANodeOnALinkOfOursNeedsNoTunnel) {
  const auto near = network_of(node("b", "10.244.1.0/24", "192.168.1.8")).value();
  const auto far = with_tunnel(node("c", "10.244.2.0/24", "192.168.9.8"), "c2:00:00:00:00:02");
  sys::Route way;
  way.link = 2;
  const OverlayPlan plan = plan_overlay(7, {near, far}, {{near.address, way}});
  ASSERT_EQ(plan.routes.size(), 2U);
  EXPECT_EQ(plan.routes[0].link, 2);
  EXPECT_EQ(sys::ipv4_text(plan.routes[0].via), "192.168.1.8");
  EXPECT_FALSE(plan.routes[0].on_link);
  EXPECT_EQ(plan.routes[1].link, 7);
  EXPECT_EQ(plan.neighbors.size(), 1U);
}

TEST(BaseRules, OnlyTrafficToTheOutsideIsMasqueraded) {
  const auto a = network_of(node("a", "10.244.0.0/24", "192.168.1.12")).value();
  const auto b = network_of(node("b", "10.244.1.0/24", "192.168.1.8")).value();
  const Ruleset rules = base_rules(a, {a, b});
  EXPECT_TRUE(rules.sets.at("pod-networks").elements.contains("10.244.0.0/24"));
  EXPECT_TRUE(rules.sets.at("pod-networks").elements.contains("10.244.1.0/24"));
  ASSERT_EQ(rules.chains.at("postrouting").rules.size(), 1U);
  EXPECT_EQ(rules.chains.at("postrouting").rules[0],
            "ip saddr 10.244.0.0/24 ip daddr != @pod-networks ip daddr != 224.0.0.0/4 masquerade "
            "fully-random");
}

TEST(BaseRules, ARangeThatOverlapsAnotherIsLeftOut) {
  const auto a = network_of(node("a", "10.244.0.0/24", "192.168.1.12")).value();
  const auto wrong = network_of(node("b", "10.244.0.128/25", "192.168.1.8")).value();
  EXPECT_EQ(base_rules(a, {wrong, a}).sets.at("pod-networks").elements.size(), 1U);
}

}  // namespace
}  // namespace kpp::network
