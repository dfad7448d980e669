#include "scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/corev1.h"
#include "api/eventsv1.h"
#include "api/storagev1.h"
#include "client/testing/fake_api.h"
#include "net/client.h"

namespace kpp::scheduler {
namespace {

class SchedulerTest : public testing::Test {
 protected:
  SchedulerTest() : api_(executor_), client_(api_.transport(), "kube-scheduler") {}
  ~SchedulerTest() override {
    scope_.spawn(scheduler_.stop());
    executor_.run_until_idle();
  }
  void start() {
    scheduler_.start();
    executor_.run_until_idle();
  }
  void put_node(const std::string& name, const std::string& cpu = "4") {
    corev1::Node node;
    node.metadata.name = name;
    node.status.allocatable["cpu"] = api::Quantity(cpu);
    node.status.allocatable["memory"] = api::Quantity("8Gi");
    node.status.allocatable["pods"] = api::Quantity("110");
    api_.put(node);
  }
  void put_pod(const std::string& name, const std::string& cpu) {
    corev1::Pod pod;
    pod.metadata.namespace_ = "default";
    pod.metadata.name = name;
    pod.metadata.generation = 1;
    pod.spec.scheduler_name = "default-scheduler";
    pod.status.phase = "Pending";
    pod.spec.containers.emplace_back().resources.requests["cpu"] = api::Quantity(cpu);
    api_.put(pod);
  }
  corev1::Pod pod(const std::string& name) { return *api_.get<corev1::Pod>({"default", name}); }
  std::vector<eventsv1::Event> events() { return api_.all<eventsv1::Event>(); }

  async::ManualExecutor executor_;
  client::testing::FakeApi api_;
  client::Client client_;
  LogSink sink_{2};
  async::Scope scope_{executor_};
  Scheduler scheduler_{{executor_, client_, Logger(sink_, "scheduler")}, {}};
};

TEST_F(SchedulerTest, BindsAPodAndSaysSo) {
  put_node("node1");
  put_pod("p", "1");
  start();
  EXPECT_EQ(pod("p").spec.node_name, "node1");
  ASSERT_EQ(events().size(), 1U);
  const auto event = events()[0];
  EXPECT_EQ(event.reason, "Scheduled");
  EXPECT_EQ(event.action, "Binding");
  EXPECT_EQ(event.note, "Successfully assigned default/p to node1");
  EXPECT_EQ(event.reporting_controller, "default-scheduler");
  EXPECT_EQ(event.regarding.name, "p");
}

TEST_F(SchedulerTest, NeverGivesMoreThanANodeHas) {
  put_node("node1", "2");
  for (int i = 0; i < 5; ++i) put_pod(cat("p", i), "1");
  start();
  int bound = 0;
  for (int i = 0; i < 5; ++i) bound += pod(cat("p", i)).spec.node_name.empty() ? 0 : 1;
  EXPECT_EQ(bound, 2);
}

TEST_F(SchedulerTest, APodThatFitsNowhereSaysWhyAndWaits) {
  put_node("node1");
  put_pod("p", "100");
  start();
  const std::string why =
      "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 "
      "nodes are available: "
      "1 Preemption is not helpful for scheduling.";
  ASSERT_EQ(pod("p").status.conditions.size(), 1U);
  const auto condition = pod("p").status.conditions[0];
  EXPECT_EQ(condition.type, "PodScheduled");
  EXPECT_EQ(condition.status, "False");
  EXPECT_EQ(condition.reason, "Unschedulable");
  EXPECT_EQ(condition.message, why);
  EXPECT_EQ(condition.observed_generation, 1);
  ASSERT_EQ(events().size(), 1U);
  EXPECT_EQ(events()[0].reason, "FailedScheduling");
  EXPECT_EQ(events()[0].action, "Scheduling");
  EXPECT_EQ(events()[0].note, why);
}

TEST_F(SchedulerTest, ANewNodeTakesWhatWaited) {
  put_pod("p", "1");
  start();
  EXPECT_EQ(pod("p").status.conditions.at(0).message, "no nodes available to schedule pods");
  put_node("node1");
  executor_.run_until_idle();
  EXPECT_EQ(pod("p").spec.node_name, "");
  executor_.advance(std::chrono::seconds(1));
  EXPECT_EQ(pod("p").spec.node_name, "node1");
}

TEST_F(SchedulerTest, ADeletedPodMakesRoom) {
  put_node("node1", "1");
  put_pod("a", "1");
  start();
  put_pod("b", "1");
  executor_.run_until_idle();
  EXPECT_EQ(pod("b").spec.node_name, "");
  api_.erase<corev1::Pod>({"default", "a"});
  executor_.advance(std::chrono::seconds(2));
  EXPECT_EQ(pod("b").spec.node_name, "node1");
}

TEST_F(SchedulerTest, AGatedPodStays) {
  put_node("node1");
  put_pod("p", "1");
  api_.edit<corev1::Pod>({"default", "p"}, [](corev1::Pod& p) {
    p.spec.scheduling_gates.emplace_back().name = "example.test/g";
  });
  start();
  EXPECT_EQ(pod("p").spec.node_name, "");
  EXPECT_TRUE(events().empty());
  api_.edit<corev1::Pod>({"default", "p"}, [](corev1::Pod& p) { p.spec.scheduling_gates.clear(); });
  executor_.run_until_idle();
  EXPECT_EQ(pod("p").spec.node_name, "node1");
}

TEST_F(SchedulerTest, APodOfAnotherSchedulerIsLeftAlone) {
  put_node("node1");
  put_pod("p", "1");
  api_.edit<corev1::Pod>({"default", "p"},
                         [](corev1::Pod& p) { p.spec.scheduler_name = "nobody"; });
  start();
  EXPECT_EQ(pod("p").spec.node_name, "");
}

TEST_F(SchedulerTest, ARefusedBindingIsTriedAgain) {
  put_node("node1");
  put_pod("p", "1");
  api_.fail_next("POST", "/binding", Status(Reason::kInternalError, "store is busy"));
  start();
  EXPECT_EQ(pod("p").spec.node_name, "");
  executor_.advance(std::chrono::seconds(1));
  EXPECT_EQ(pod("p").spec.node_name, "node1");
}

TEST_F(SchedulerTest, ARepeatedRefusalIsASeries) {
  put_node("node1");
  put_pod("p", "100");
  start();
  api_.edit<corev1::Node>(
      {"", "node1"}, [](corev1::Node& n) { n.status.allocatable["cpu"] = api::Quantity("5"); });
  executor_.advance(std::chrono::seconds(2));
  ASSERT_EQ(events().size(), 1U);
  ASSERT_TRUE(events()[0].series);
  EXPECT_EQ(events()[0].series->count, 2);
}

TEST_F(SchedulerTest, APodOfLowerPriorityIsEvictedForAHigherOne) {
  put_node("node1", "2");
  put_pod("low", "1500m");
  start();
  ASSERT_EQ(pod("low").spec.node_name, "node1");
  put_pod("high", "1500m");
  api_.edit<corev1::Pod>({"default", "high"}, [](corev1::Pod& p) { p.spec.priority = 10; });
  executor_.run_until_idle();
  executor_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(pod("low").metadata.deletion_timestamp);
  const auto conditions = pod("low").status.conditions;
  const auto target =
      std::ranges::find(conditions, "DisruptionTarget", &corev1::PodCondition::type);
  ASSERT_NE(target, conditions.end());
  EXPECT_EQ(target->message, "default-scheduler: preempting to accommodate a higher priority pod");
  EXPECT_EQ(pod("high").status.nominated_node_name, "node1");
  bool told = false;
  for (const auto& event : events()) {
    if (event.reason != "Preempted") continue;
    told = true;
    EXPECT_EQ(event.note, cat("Preempted by pod ", pod("high").metadata.uid, " on node node1"));
    EXPECT_EQ(event.action, "Preempting");
    EXPECT_EQ(event.regarding.name, "low");
    EXPECT_EQ(event.related->name, "high");
  }
  EXPECT_TRUE(told);
  api_.erase<corev1::Pod>({"default", "low"});
  executor_.advance(std::chrono::seconds(2));
  EXPECT_EQ(pod("high").spec.node_name, "node1");
}

TEST_F(SchedulerTest, AVolumeIsPromisedBeforeItsPodIsBound) {
  put_node("node1");
  storagev1::StorageClass local;
  local.metadata.name = "local";
  local.provisioner = "kubernetes.io/no-provisioner";
  local.volume_binding_mode = "WaitForFirstConsumer";
  api_.put(local);
  corev1::PersistentVolume volume;
  volume.metadata.name = "v";
  volume.spec.capacity["storage"] = api::Quantity("1Gi");
  volume.spec.access_modes = {"ReadWriteOnce"};
  volume.spec.storage_class_name = "local";
  volume.status.phase = "Available";
  api_.put(volume);
  corev1::PersistentVolumeClaim claim;
  claim.metadata.namespace_ = "default";
  claim.metadata.name = "c";
  claim.spec.access_modes = {"ReadWriteOnce"};
  claim.spec.storage_class_name = "local";
  claim.spec.resources.requests["storage"] = api::Quantity("1Gi");
  api_.put(claim);
  put_pod("p", "1");
  api_.edit<corev1::Pod>({"default", "p"}, [](corev1::Pod& p) {
    auto& v = p.spec.volumes.emplace_back();
    v.name = "v";
    v.volume_source.persistent_volume_claim.emplace().claim_name = "c";
  });
  start();
  const auto promised = *api_.get<corev1::PersistentVolume>({"", "v"});
  ASSERT_TRUE(promised.spec.claim_ref);
  EXPECT_EQ(promised.spec.claim_ref->name, "c");
  EXPECT_EQ(promised.metadata.annotations.at("pv.kubernetes.io/bound-by-controller"), "yes");
  EXPECT_EQ(pod("p").spec.node_name, "");  // the volume controller has not bound the claim yet
  api_.edit<corev1::PersistentVolumeClaim>({"default", "c"}, [](auto& c) {
    c.spec.volume_name = "v";
    c.metadata.annotations["pv.kubernetes.io/bind-completed"] = "yes";
  });
  executor_.run_until_idle();
  EXPECT_EQ(pod("p").spec.node_name, "node1");
}

TEST(SchedulerOptions, BindingsAtATimeLeaveAKeptConnectionForEachAndForEvents) {
  EXPECT_LT(static_cast<std::size_t>(SchedulerOptions{}.parallel_binds),
            net::ClientOptions{}.max_idle_connections);
}

}  // namespace
}  // namespace kpp::scheduler
