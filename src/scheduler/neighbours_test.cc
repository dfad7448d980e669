// Decisions that look at other pods: affinity and spreading.
#include "scheduler/testing/cycle_fixture.h"

namespace kpp::scheduler {
namespace {

using testing::info;
using testing::node_named;
using testing::pod_named;

constexpr const char* kHostname = "kubernetes.io/hostname";
constexpr const char* kZone = "topology.kubernetes.io/zone";

class NeighboursTest : public testing::CycleTest {
 protected:
  static corev1::Pod labelled(const std::string& name, const std::string& app) {
    auto pod = pod_named(name);
    pod.metadata.labels["app"] = app;
    return pod;
  }
  static corev1::PodAffinityTerm term(const std::string& app, const std::string& key = kHostname) {
    corev1::PodAffinityTerm out;
    out.label_selector.emplace().match_labels["app"] = app;
    out.topology_key = key;
    return out;
  }
  static corev1::Node in_zone(const std::string& name, const std::string& zone) {
    auto node = node_named(name);
    node.metadata.labels[kZone] = zone;
    return node;
  }
  static void spread(corev1::Pod& pod, const std::string& app, const std::string& key,
                     const std::string& when = "DoNotSchedule") {
    auto& constraint = pod.spec.topology_spread_constraints.emplace_back();
    constraint.max_skew = 1;
    constraint.topology_key = key;
    constraint.when_unsatisfiable = when;
    constraint.label_selector.emplace().match_labels["app"] = app;
  }
};

TEST_F(NeighboursTest, AffinityToNothingIsHopeless) {
  add(node_named("node1"));
  auto pod = pod_named("p");
  pod.spec.affinity.emplace()
      .pod_affinity.emplace()
      .required_during_scheduling_ignored_during_execution = {term("none")};
  const auto decision = decide(pod);
  EXPECT_EQ(decision.message,
            "0/1 nodes are available: 1 node(s) didn't match pod affinity rules. no new claims to "
            "deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for "
            "scheduling.");
  EXPECT_EQ(decision.refused_by, kInterPodAffinityBit);
}

TEST_F(NeighboursTest, AffinityFollowsThePodItMeans) {
  add(in_zone("node1", "a"));
  add(in_zone("node2", "b"));
  add(in_zone("node3", "b"));
  stand(labelled("web", "web"), "node2");
  auto pod = pod_named("p");
  pod.spec.affinity.emplace()
      .pod_affinity.emplace()
      .required_during_scheduling_ignored_during_execution = {term("web", kZone)};
  for (int i = 0; i < 10; ++i) EXPECT_NE(decide(pod).node, "node1");
  pod.metadata.namespace_ = "other";  // terms mean their own namespace
  EXPECT_TRUE(decide(pod).node.empty());
}

TEST_F(NeighboursTest, TheFirstOfAGroupMayStandAnywhere) {
  add(node_named("node1"));
  auto pod = labelled("p", "group");
  pod.spec.affinity.emplace()
      .pod_affinity.emplace()
      .required_during_scheduling_ignored_during_execution = {term("group")};
  EXPECT_EQ(decide(pod).node, "node1");
}

TEST_F(NeighboursTest, AntiAffinityHoldsFromBothSides) {
  add(node_named("node1"));
  stand(labelled("base", "base"), "node1");
  auto pod = labelled("p", "shy");
  pod.spec.affinity.emplace()
      .pod_anti_affinity.emplace()
      .required_during_scheduling_ignored_during_execution = {term("base")};
  EXPECT_EQ(decide(pod).message,
            "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. no new "
            "claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims "
            "found for incoming pod.");
  add(node_named("node2"));
  EXPECT_EQ(decide(pod).node, "node2");
  stand(pod, "node2");
  const auto other = decide(labelled("q", "base"));
  EXPECT_EQ(other.node, "node1");
  auto closed = node_named("node1");
  closed.spec.unschedulable = true;
  add(closed);
  EXPECT_TRUE(decide(labelled("q", "base"))
                  .message.starts_with("0/2 nodes are available: 1 node(s) didn't satisfy existing "
                                       "pods anti-affinity rules, 1 node(s) were unschedulable."));
}

TEST_F(NeighboursTest, ANamespaceSelectorLooksAtLabelsOfNamespaces) {
  add(node_named("node1"));
  add(node_named("node2"));
  cache_.set_namespace("team", {{"team", "x"}});
  auto web = labelled("web", "web");
  web.metadata.namespace_ = "team";
  stand(web, "node2");
  auto pod = pod_named("p");
  auto wanted = term("web");
  wanted.namespace_selector.emplace().match_labels["team"] = "x";
  pod.spec.affinity.emplace()
      .pod_affinity.emplace()
      .required_during_scheduling_ignored_during_execution = {wanted};
  EXPECT_EQ(decide(pod).node, "node2");
  cache_.set_namespace("team", {{"team", "y"}});
  EXPECT_TRUE(decide(pod).node.empty());
}

TEST_F(NeighboursTest, PreferencesDecideBetweenEqualNodes) {
  add(node_named("node1"));
  add(node_named("node2"));
  stand(labelled("web", "web"), "node1");
  auto pod = pod_named("p");
  auto& wish = pod.spec.affinity.emplace()
                   .pod_anti_affinity.emplace()
                   .preferred_during_scheduling_ignored_during_execution.emplace_back();
  wish.weight = 100;
  wish.pod_affinity_term = term("web");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(decide(pod).node, "node2");
}

TEST_F(NeighboursTest, SpreadKeepsTheSkew) {
  add(in_zone("node1", "a"));
  add(in_zone("node2", "b"));
  stand(labelled("w1", "web"), "node1");
  auto pod = labelled("p", "web");
  spread(pod, "web", kZone);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(decide(pod).node, "node2");
  auto closed = in_zone("node2", "b");
  closed.spec.unschedulable = true;
  add(closed);
  EXPECT_TRUE(decide(pod).message.starts_with(
      "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) "
      "were unschedulable."));
}

TEST_F(NeighboursTest, ANodeWithoutTheKeyIsHopeless) {
  add(node_named("node1"));
  auto pod = labelled("p", "web");
  spread(pod, "web", "no/key");
  EXPECT_EQ(decide(pod).message,
            "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints "
            "(missing required label). no new claims to deallocate, preemption: 0/1 nodes are "
            "available: 1 Preemption is not helpful for scheduling.");
}

TEST_F(NeighboursTest, TooFewDomainsCountAsAnEmptyOne) {
  add(in_zone("node1", "a"));
  stand(labelled("w1", "web"), "node1");
  auto pod = labelled("p", "web");
  spread(pod, "web", kZone);
  EXPECT_EQ(decide(pod).node, "node1");
  pod.spec.topology_spread_constraints[0].min_domains = 2;
  EXPECT_TRUE(decide(pod).node.empty());
}

TEST_F(NeighboursTest, PodsOfAServiceAreSpreadWithoutBeingAsked) {
  add(node_named("node1", "100", "800Gi"));
  add(node_named("node2", "100", "800Gi"));
  cache_.groups().set_service({"default", "web"}, {{"app", "web"}});
  for (int i = 0; i < 3; ++i) stand(labelled(cat("w", i), "web"), "node1");
  stand(pod_named("big", "1", "8Gi"), "node2");  // the fuller one, were it not for the service
  for (int i = 0; i < 10; ++i) EXPECT_EQ(decide(labelled("p", "web")).node, "node2");
}

}  // namespace
}  // namespace kpp::scheduler
