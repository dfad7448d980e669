#include "kubelet/sync_plan.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

struct SyncPlanTest : ::testing::Test {
  SyncPlanTest() {
    corev1::Container c;
    c.name = "c";
    pod.spec.containers = {c};
    pod.spec.restart_policy = "Always";
  }
  void with_sandbox() { runtime.sandboxes = {{"s", true, 1, 0, false, {"10.0.0.1"}}}; }
  ContainerRecord& add(const std::string& name, cri::ContainerState state, int exit_code = 0) {
    ContainerRecord record;
    record.id = name + "-id";
    record.name = name;
    record.state = state;
    record.exit_code = exit_code;
    runtime.containers.push_back(record);
    return runtime.containers.back();
  }
  void add_init(const std::string& name, bool sidecar) {
    corev1::Container c;
    c.name = name;
    if (sidecar) c.restart_policy = "Always";
    pod.spec.init_containers.push_back(c);
  }
  SyncPlan plan() { return plan_sync(pod, runtime, probes); }

  corev1::Pod pod;
  PodRuntime runtime;
  ProbeView probes;
};

TEST_F(SyncPlanTest, ANewPodGetsASandboxAndItsContainers) {
  const SyncPlan p = plan();
  EXPECT_TRUE(p.create_sandbox);
  EXPECT_EQ(p.attempt, 0u);
  EXPECT_EQ(p.containers_to_start, std::vector<std::size_t>{0});
}

TEST_F(SyncPlanTest, ARunningPodIsLeftAlone) {
  with_sandbox();
  add("c", cri::CONTAINER_RUNNING);
  const SyncPlan p = plan();
  EXPECT_FALSE(p.kill_pod);
  EXPECT_TRUE(p.containers_to_start.empty());
  EXPECT_TRUE(p.to_kill.empty());
}

TEST_F(SyncPlanTest, ADeadSandboxIsReplaced) {
  with_sandbox();
  runtime.sandboxes[0].ready = false;
  add("c", cri::CONTAINER_EXITED, 137);
  const SyncPlan p = plan();
  EXPECT_TRUE(p.kill_pod);
  EXPECT_TRUE(p.create_sandbox);
  EXPECT_EQ(p.attempt, 1u);
}

TEST_F(SyncPlanTest, ACompletedPodLosesItsSandbox) {
  pod.spec.restart_policy = "OnFailure";
  with_sandbox();
  add("c", cri::CONTAINER_EXITED, 0);
  const SyncPlan p = plan();
  EXPECT_TRUE(p.kill_pod);
  EXPECT_FALSE(p.create_sandbox);
}

TEST_F(SyncPlanTest, AFailedInitContainerEndsAPodThatNeverRestarts) {
  pod.spec.restart_policy = "Never";
  add_init("i", false);
  with_sandbox();
  add("i", cri::CONTAINER_EXITED, 1);
  EXPECT_TRUE(plan().kill_pod);
}

TEST_F(SyncPlanTest, SidecarsStartInOrderAndAreKeptRunning) {
  add_init("s1", true);
  add_init("s2", true);
  with_sandbox();
  add("s1", cri::CONTAINER_RUNNING);
  EXPECT_EQ(plan().init_to_start, std::vector<std::size_t>{1});
  add("s2", cri::CONTAINER_RUNNING);
  EXPECT_EQ(plan().containers_to_start, std::vector<std::size_t>{0});
  add("c", cri::CONTAINER_RUNNING);
  runtime.containers[0].state = cri::CONTAINER_EXITED;
  EXPECT_EQ(plan().init_to_start, std::vector<std::size_t>{0});
}

TEST_F(SyncPlanTest, AChangedImageRestartsTheContainer) {
  with_sandbox();
  add("c", cri::CONTAINER_RUNNING).hash = "other";
  const SyncPlan p = plan();
  ASSERT_EQ(p.to_kill.size(), 1u);
  EXPECT_EQ(p.to_kill[0].message, "Container c definition changed, will be restarted");
  EXPECT_EQ(p.containers_to_start, std::vector<std::size_t>{0});
}

}  // namespace
}  // namespace kpp::kubelet
