#include "scheduler/preemption.h"

#include "scheduler/testing/cycle_fixture.h"

namespace kpp::scheduler {
namespace {

using testing::info;
using testing::node_named;
using testing::pod_named;

class PreemptionTest : public testing::CycleTest {
 protected:
  static corev1::Pod with_priority(const std::string& name, std::int32_t priority,
                                   const std::string& cpu) {
    auto pod = pod_named(name, cpu);
    pod.spec.priority = priority;
    return pod;
  }
  static std::vector<std::string> names(const std::vector<PodInfoRef>& pods) {
    std::vector<std::string> out;
    for (const auto& pod : pods) out.push_back(pod->pod->metadata.name);
    return out;
  }
};

TEST_F(PreemptionTest, TheLeastImportantMakeRoom) {
  add(node_named("node1"));
  stand(with_priority("a", 1, "1"), "node1");
  stand(with_priority("b", 2, "1"), "node1");
  stand(with_priority("c", 3, "2"), "node1");
  const auto decision = decide(with_priority("p", 10, "2"));
  EXPECT_EQ(decision.node, "");
  EXPECT_EQ(decision.nominated, "node1");
  EXPECT_EQ(decision.message, "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(names(decision.victims), (std::vector<std::string>{"b", "a"}));
}

TEST_F(PreemptionTest, TheNodeThatLosesLeastIsTaken) {
  add(node_named("node1"));
  add(node_named("node2"));
  stand(with_priority("a", 5, "4"), "node1");
  stand(with_priority("b", 2, "4"), "node2");
  EXPECT_EQ(decide(with_priority("p", 10, "2")).nominated, "node2");
}

TEST_F(PreemptionTest, ADisruptionBudgetIsKeptIfItCan) {
  add(node_named("node1"));
  add(node_named("node2"));
  auto guarded = with_priority("a", 1, "4");
  guarded.metadata.labels["app"] = "db";
  stand(guarded, "node1");
  stand(with_priority("b", 2, "4"), "node2");
  auto budget = std::make_shared<policyv1::PodDisruptionBudget>();
  budget->metadata.namespace_ = "default";
  budget->metadata.name = "db";
  budget->spec.selector.emplace().match_labels["app"] = "db";
  cache_.set_budget({"default", "db"}, budget);
  EXPECT_EQ(decide(with_priority("p", 10, "2")).nominated, "node2");
}

TEST_F(PreemptionTest, WhoMayNotPreemptIsTold) {
  add(node_named("node1"));
  stand(with_priority("a", 1, "4"), "node1");
  auto pod = with_priority("p", 10, "2");
  pod.spec.preemption_policy = "Never";
  EXPECT_EQ(decide(pod).message,
            "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
            "not eligible due to preemptionPolicy=Never.");
}

TEST_F(PreemptionTest, RoomIsKeptForThePodItWasMadeFor) {
  add(node_named("node1"));
  cache_.nominate(info(with_priority("high", 10, "3")), "node1");
  EXPECT_EQ(decide(with_priority("low", 1, "2")).node, "");
  EXPECT_EQ(decide(with_priority("low", 1, "1")).node, "node1");
  EXPECT_EQ(decide(with_priority("higher", 20, "2")).node, "node1");
  EXPECT_EQ(decide(with_priority("high", 10, "3")).node, "node1");
}

TEST_F(PreemptionTest, APodThatLeavesAlreadyIsWaitedFor) {
  add(node_named("node1"));
  auto leaving = with_priority("a", 1, "4");
  leaving.metadata.deletion_timestamp = api::Time(1, 0);
  auto& condition = leaving.status.conditions.emplace_back();
  condition.type = "DisruptionTarget";
  condition.status = "True";
  condition.reason = "PreemptionByScheduler";
  stand(leaving, "node1");
  const auto pod = with_priority("p", 10, "2");
  cache_.nominate(info(pod), "node1");
  const auto decision = decide(pod);
  EXPECT_TRUE(decision.victims.empty());
  EXPECT_TRUE(decision.message.ends_with(
      "preemption: not eligible due to a terminating pod on the nominated node."));
}

TEST_F(PreemptionTest, AntiAffinityToALowerPodIsSolvedByItsEnd) {
  add(node_named("node1"));
  auto low = with_priority("a", 1, "1");
  low.metadata.labels["app"] = "a";
  stand(low, "node1");
  auto pod = with_priority("p", 10, "1");
  auto& term = pod.spec.affinity.emplace()
                   .pod_anti_affinity.emplace()
                   .required_during_scheduling_ignored_during_execution.emplace_back();
  term.label_selector.emplace().match_labels["app"] = "a";
  term.topology_key = "kubernetes.io/hostname";
  EXPECT_EQ(names(decide(pod).victims), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace kpp::scheduler
