#include "kubelet/node/node_events.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "client/testing/fake_api.h"
#include "kubelet/node/node_object.h"

namespace kpp::kubelet {
namespace {

struct NodeEventsTest : ::testing::Test {
  NodeEventsTest() { recorder.start(); }
  ~NodeEventsTest() override {
    async::Scope scope(executor);
    scope.spawn(recorder.stop());
    executor.run_until_idle();
  }
  // "Type reason: message" of each event so far, sorted.
  std::vector<std::string> told() {
    executor.run_until_idle();
    std::vector<std::string> out;
    for (const auto& event : api.all<corev1::Event>())
      out.push_back(cat(event.type, " ", event.reason, ": ", event.message));
    std::ranges::sort(out);
    return out;
  }
  corev1::NodeStatus status(std::string_view ready) const {
    corev1::NodeStatus out;
    auto& condition = out.conditions.emplace_back();
    condition.type = "Ready";
    condition.status = std::string(ready);
    out.node_info.boot_id = "b2";
    return out;
  }

  LogSink sink{::open("/dev/null", O_WRONLY)};
  async::ManualExecutor executor;
  client::testing::FakeApi api{executor};
  client::Client client{api.transport(), "kubelet"};
  client::EventRecorder recorder{executor, client, Logger(sink, "test"), "kubelet", "node1"};
  NodeEvents events{recorder, "node1"};
};

TEST_F(NodeEventsTest, ReadyIsToldOfWhenTheApiHadItOtherwise) {
  events.status_written({}, status("False"));
  events.status_written(status("False"), status("False"));
  EXPECT_EQ(told(), std::vector<std::string>());
  events.status_written(status("False"), status("True"));
  EXPECT_EQ(told(),
            std::vector<std::string>{"Normal NodeReady: Node node1 status is now: NodeReady"});
  events.status_written(status("Unknown"), status("True"));
  executor.run_until_idle();
  EXPECT_EQ(api.all<corev1::Event>().at(0).count, 2);
}

TEST_F(NodeEventsTest, PressureIsToldOfOnceForEachChange) {
  corev1::NodeStatus now;
  auto& condition = now.conditions.emplace_back();
  condition.type = "MemoryPressure";
  condition.status = "False";
  events.status_written(now, now);
  events.status_written(now, now);
  EXPECT_EQ(told(),
            std::vector<std::string>{"Normal NodeHasSufficientMemory: Node node1 status is now: "
                                     "NodeHasSufficientMemory"});
  EXPECT_EQ(api.all<corev1::Event>().at(0).count, 1);
}

TEST_F(NodeEventsTest, EventsAreAboutTheNodeByItsName) {
  events.starting();
  executor.run_until_idle();
  const auto all = api.all<corev1::Event>();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].metadata.namespace_, "default");
  EXPECT_EQ(all[0].involved_object.kind, "Node");
  EXPECT_EQ(all[0].involved_object.name, "node1");
  EXPECT_EQ(all[0].involved_object.uid, "node1");
  EXPECT_EQ(all[0].message, "Starting kubelet.");
}

TEST_F(NodeEventsTest, AMachineThatWasStartedAnewIsToldOf) {
  corev1::NodeStatus before = status("True");
  before.node_info.boot_id = "b1";
  events.status_written(before, status("True"));
  EXPECT_EQ(
      told(),
      (std::vector<std::string>{"Warning Rebooted: Node node1 has been rebooted, boot id: b2"}));
}

TEST(NodeFeatures, WhatTheRuntimeSaysStandsInTheStatus) {
  cri::StatusResponse answer;
  answer.runtime_handlers.emplace_back().name = "runc";
  answer.runtime_handlers.back().features.emplace().recursive_read_only_mounts = true;
  answer.runtime_handlers.emplace_back();
  RuntimeHealth health;
  health.answers = true;
  take_features(answer, health);
  ASSERT_EQ(health.handlers.size(), 2U);
  EXPECT_EQ(health.handlers[0].name, "");
  EXPECT_TRUE(health.handlers[1].features->recursive_read_only_mounts.value_or(false));
  EXPECT_FALSE(health.features);
  answer.features.emplace().supplemental_groups_policy = true;
  take_features(answer, health);
  EXPECT_TRUE(health.features->supplemental_groups_policy.value_or(false));
}

}  // namespace
}  // namespace kpp::kubelet
