#include "controllers/node_lifecycle/node_lifecycle_controller.h"

#include "controllers/node_lifecycle/taint_eviction_controller.h"
#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

using std::chrono::seconds;

class NodeLifecycleTest : public testing::ControllerTest {
 protected:
  NodeLifecycleTest() {
    corev1::Node node;
    node.metadata.name = "node1";
    auto& ready = node.status.conditions.emplace_back();
    ready.type = "Ready";
    ready.status = "True";
    api_.put(node);
    coordinationv1::Lease lease;
    lease.metadata.name = "node1";
    lease.metadata.namespace_ = "kube-node-lease";
    api_.put(lease);
    corev1::Pod pod;
    pod.metadata.name = "p";
    pod.metadata.namespace_ = "default";
    pod.spec.node_name = "node1";
    pod.status.phase = "Running";
    auto& toleration = pod.spec.tolerations.emplace_back();
    toleration.key = "node.kubernetes.io/unreachable";
    toleration.operator_ = "Exists";
    toleration.effect = "NoExecute";
    toleration.toleration_seconds = 300;
    api_.put(pod);
  }
  void start_both() {
    start_all(std::make_unique<NodeLifecycleController>(context()),
              std::make_unique<TaintEvictionController>(context()));
  }
  corev1::Node node() { return *api_.get<corev1::Node>({"", "node1"}); }
  bool pod_leaves() {
    return api_.get<corev1::Pod>({"default", "p"})->metadata.deletion_timestamp.has_value();
  }
  void renew(int times) {
    for (int i = 0; i < times; ++i) {
      api_.edit<coordinationv1::Lease>({"kube-node-lease", "node1"}, [&](auto& l) {
        l.spec.renew_time = api::MicroTime::from(executor_.wall());
      });
      advance(seconds(10));
    }
  }
};

TEST_F(NodeLifecycleTest, ANodeThatRenewsItsLeaseStaysReady) {
  start_both();
  renew(20);
  EXPECT_EQ(node().status.conditions[0].status, "True");
  EXPECT_TRUE(node().spec.taints.empty());
}

TEST_F(NodeLifecycleTest, ASilentNodeIsUnknownTaintedAndLosesItsPodsInTime) {
  start_both();
  advance(seconds(45));
  EXPECT_EQ(node().status.conditions[0].status, "True");
  advance(seconds(15));
  EXPECT_EQ(node().status.conditions[0].status, "Unknown");
  EXPECT_EQ(node().status.conditions[0].reason, "NodeStatusUnknown");
  EXPECT_EQ(node().status.conditions[0].message, "Kubelet stopped posting node status.");
  ASSERT_EQ(node().spec.taints.size(), 2u);
  EXPECT_EQ(node().spec.taints[0].key, "node.kubernetes.io/unreachable");
  EXPECT_FALSE(pod_leaves());
  advance(seconds(290));
  EXPECT_FALSE(pod_leaves());
  advance(seconds(20));
  EXPECT_TRUE(pod_leaves());
}

TEST_F(NodeLifecycleTest, ANodeThatComesBackLosesTheTaints) {
  start_both();
  advance(seconds(70));
  EXPECT_EQ(node().spec.taints.size(), 2u);
  api_.edit<corev1::Node>({"", "node1"}, [](auto& n) { n.status.conditions[0].status = "True"; });
  run();
  EXPECT_TRUE(node().spec.taints.empty());
  advance(seconds(300));
  EXPECT_EQ(node().status.conditions[0].status, "Unknown");  // silent again
}

TEST_F(NodeLifecycleTest, ACordonedNodeIsTainted) {
  api_.edit<corev1::Node>({"", "node1"}, [](auto& n) { n.spec.unschedulable = true; });
  start_both();
  ASSERT_EQ(node().spec.taints.size(), 1u);
  EXPECT_EQ(node().spec.taints[0].key, "node.kubernetes.io/unschedulable");
  EXPECT_EQ(node().spec.taints[0].effect, "NoSchedule");
}

}  // namespace
}  // namespace kpp::controllers
