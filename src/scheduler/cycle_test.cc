#include "scheduler/cycle.h"

#include "scheduler/testing/cycle_fixture.h"

namespace kpp::scheduler {
namespace {

using testing::CycleTest;
using testing::info;
using testing::node_named;
using testing::pod_named;

TEST_F(CycleTest, WithoutNodesSaysSo) {
  EXPECT_EQ(decide(pod_named("p")).message, "no nodes available to schedule pods");
}

TEST_F(CycleTest, MoreThanTheNodeHasIsHopeless) {
  add(node_named("node1"));
  EXPECT_EQ(decide(pod_named("p", "100")).message,
            "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
            "0/1 nodes are "
            "available: 1 Preemption is not helpful for scheduling.");
  auto both = pod_named("p", "100", "900Gi");
  both.spec.containers[0].resources.requests["ephemeral-storage"] = api::Quantity("9Ti");
  EXPECT_EQ(decide(both).message,
            "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient ephemeral-storage, 1 "
            "Insufficient memory. no "
            "new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not "
            "helpful for "
            "scheduling.");
  auto gpu = pod_named("p");
  gpu.spec.containers[0].resources.requests["example.com/gpu"] = api::Quantity("1");
  EXPECT_EQ(decide(gpu).message,
            "0/1 nodes are available: 1 Insufficient example.com/gpu. no new claims to deallocate, "
            "preemption: 0/1 "
            "nodes are available: 1 Preemption is not helpful for scheduling.");
}

TEST_F(CycleTest, AFullNodeHasNoVictimsForAnEqualPod) {
  add(node_named("node1"));
  stand(pod_named("a", "3"), "node1");
  EXPECT_EQ(decide(pod_named("p", "2")).message,
            "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
            "0/1 nodes are "
            "available: 1 No preemption victims found for incoming pod.");
  EXPECT_EQ(decide(pod_named("q", "1")).node, "node1");
}

TEST_F(CycleTest, TheNumberOfPodsIsAResourceToo) {
  auto node = node_named("node1");
  node.status.allocatable["pods"] = api::Quantity("1");
  add(node);
  stand(pod_named("a"), "node1");
  EXPECT_TRUE(
      decide(pod_named("p")).message.starts_with("0/1 nodes are available: 1 Too many pods."));
}

TEST_F(CycleTest, ReasonsAreCountedOverNodes) {
  auto tainted = node_named("node1");
  auto& taint = tainted.spec.taints.emplace_back();
  taint.key = "k";
  taint.effect = "NoSchedule";
  add(tainted);
  auto closed = node_named("node2");
  closed.spec.unschedulable = true;
  add(closed);
  add(node_named("node3"));
  auto pod = pod_named("p");
  pod.spec.node_selector["disk"] = "ssd";
  EXPECT_EQ(decide(pod).message,
            "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 "
            "node(s) had untolerated "
            "taint(s), 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/3 "
            "nodes are "
            "available: 3 Preemption is not helpful for scheduling.");
}

TEST_F(CycleTest, APortOfTheHostIsGivenOnce) {
  add(node_named("node1"));
  auto a = pod_named("a");
  a.spec.containers[0].ports.emplace_back().host_port = 80;
  stand(a, "node1");
  auto b = a;
  b.metadata.name = "b";
  EXPECT_TRUE(decide(b).message.starts_with(
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."));
  b.spec.containers[0].ports[0].protocol = "UDP";
  EXPECT_EQ(decide(b).node, "node1");
}

TEST_F(CycleTest, RequiredAffinityMatchesAnyTermAndAllItsExpressions) {
  auto ssd = node_named("node2");
  ssd.metadata.labels["disk"] = "ssd";
  ssd.metadata.labels["cores"] = "8";
  add(node_named("node1"));
  add(ssd);
  auto pod = pod_named("p");
  auto& required = pod.spec.affinity.emplace()
                       .node_affinity.emplace()
                       .required_during_scheduling_ignored_during_execution.emplace();
  auto& term = required.node_selector_terms.emplace_back();
  auto& disk = term.match_expressions.emplace_back();
  disk.key = "disk";
  disk.operator_ = "In";
  disk.values = {"ssd", "nvme"};
  auto& cores = term.match_expressions.emplace_back();
  cores.key = "cores";
  cores.operator_ = "Gt";
  cores.values = {"4"};
  EXPECT_EQ(decide(pod).node, "node2");
}

TEST_F(CycleTest, AnEmptierNodeIsPreferred) {
  add(node_named("node1"));
  add(node_named("node2"));
  stand(pod_named("a", "2", "4Gi"), "node1");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(decide(pod_named("p", "500m", "1Gi")).node, "node2");
}

TEST_F(CycleTest, ACordonOrATaintCountsFromTheNodesNewestForm) {
  add(node_named("node1"));
  EXPECT_EQ(decide(pod_named("p")).node, "node1");
  corev1::Node cordoned = node_named("node1");
  cordoned.spec.unschedulable = true;
  add(cordoned);
  EXPECT_EQ(decide(pod_named("p")).refused_by, kNodeUnschedulableBit);
  corev1::Node tainted = node_named("node1");
  auto& taint = tainted.spec.taints.emplace_back();
  taint.key = "full";
  taint.effect = "NoSchedule";
  add(tainted);
  EXPECT_EQ(decide(pod_named("p")).refused_by, kTaintTolerationBit);
  add(node_named("node1"));
  EXPECT_EQ(decide(pod_named("p")).node, "node1");
}

TEST_F(CycleTest, APodOfADaemonSetOnlySeesItsNode) {
  add(node_named("node1"));
  add(node_named("node2", "1"));
  auto pod = pod_named("p", "2");
  auto& required = pod.spec.affinity.emplace()
                       .node_affinity.emplace()
                       .required_during_scheduling_ignored_during_execution.emplace();
  auto& field = required.node_selector_terms.emplace_back().match_fields.emplace_back();
  field.key = "metadata.name";
  field.operator_ = "In";
  field.values = {"node2"};
  EXPECT_EQ(decide(pod).message,
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) "
            "[NodeAffinity]. no new "
            "claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not "
            "helpful for scheduling.");
}

TEST_F(CycleTest, WhatIsNotDecidedHereWaits) {
  add(node_named("node1"));
  auto pod = pod_named("p");
  pod.spec.resource_claims.emplace_back().name = "gpu";
  EXPECT_TRUE(decide(pod).node.empty());
}

TEST(Requests, TakeTheHungriestMoment) {
  auto pod = pod_named("p", "500m", "1Gi");
  auto& init = pod.spec.init_containers.emplace_back();
  init.resources.requests["cpu"] = api::Quantity("2");
  EXPECT_EQ(pod_requests(pod).milli_cpu, 2000);
  EXPECT_EQ(pod_requests(pod).memory, 1LL << 30);
  pod.spec.init_containers[0].restart_policy = "Always";
  EXPECT_EQ(pod_requests(pod).milli_cpu, 2500);
  pod.spec.overhead["cpu"] = api::Quantity("100m");
  EXPECT_EQ(pod_requests(pod).milli_cpu, 2600);
  pod.spec.resources.emplace().requests["cpu"] = api::Quantity("1");
  EXPECT_EQ(pod_requests(pod).milli_cpu, 1100);
}

TEST(SchedulerCache, CountsAnAssumedPodOnce) {
  Cache cache;
  cache.set_node(std::make_shared<const corev1::Node>(node_named("node1")));
  const auto pod = info(pod_named("p", "1"));
  cache.assume(pod, "node1");
  EXPECT_EQ(cache.node("node1")->requested.milli_cpu, 1000);
  auto bound = *pod->pod;
  bound.spec.node_name = "node1";
  cache.add_pod(info(bound));
  EXPECT_EQ(cache.node("node1")->requested.milli_cpu, 1000);
  cache.forget(pod->key());
  EXPECT_EQ(cache.node("node1")->requested.milli_cpu, 1000);
  cache.remove_pod(pod->key());
  EXPECT_EQ(cache.node("node1")->requested.milli_cpu, 0);
}

}  // namespace
}  // namespace kpp::scheduler
