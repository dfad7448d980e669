#include "controllers/replicaset/replicaset_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

using std::chrono::seconds;

appsv1::ReplicaSet make_set(const std::string& name, int replicas) {
  appsv1::ReplicaSet set;
  set.metadata.name = name;
  set.metadata.namespace_ = "default";
  set.metadata.generation = 1;
  set.spec.replicas = replicas;
  set.spec.selector.ensure().match_labels = {{"app", "web"}};
  set.spec.template_.metadata.labels = {{"app", "web"}};
  set.spec.template_.spec.containers.emplace_back().name = "c";
  return set;
}

corev1::Pod make_pod(const std::string& name) {
  corev1::Pod pod;
  pod.metadata.name = name;
  pod.metadata.namespace_ = "default";
  pod.metadata.labels = {{"app", "web"}};
  pod.status.phase = "Running";
  return pod;
}

class ReplicaSetTest : public testing::ControllerTest {
 protected:
  appsv1::ReplicaSet set() { return *api_.get<appsv1::ReplicaSet>({"default", "web"}); }
  void make_ready(const std::string& name) {
    api_.edit<corev1::Pod>({"default", name}, [this](corev1::Pod& pod) {
      pod.spec.node_name = "node1";
      pod.status.phase = "Running";
      auto& ready = pod.status.conditions.emplace_back();
      ready.type = "Ready";
      ready.status = "True";
      ready.last_transition_time = api::Time::from(executor_.wall());
    });
    run();
  }
};

TEST_F(ReplicaSetTest, MakesTheMissingPodsAndReportsThem) {
  api_.put(make_set("web", 3));
  start<ReplicaSetController>();
  const auto pods = api_.all<corev1::Pod>();
  ASSERT_EQ(pods.size(), 3u);
  EXPECT_TRUE(pods[0].metadata.name.starts_with("web-"));
  const auto* owner = api::controller_of(pods[0].metadata);
  ASSERT_NE(owner, nullptr);
  EXPECT_EQ(owner->kind, "ReplicaSet");
  EXPECT_EQ(owner->api_version, "apps/v1");
  EXPECT_EQ(owner->uid, set().metadata.uid);
  EXPECT_EQ(owner->block_owner_deletion, true);
  EXPECT_EQ(set().status.replicas, 3);
  EXPECT_EQ(set().status.fully_labeled_replicas, 3);
  EXPECT_EQ(set().status.observed_generation, 1);
  EXPECT_EQ(set().status.terminating_replicas, 0);
  const auto all = events();
  EXPECT_EQ(all.size(), 3u);
  EXPECT_TRUE(all[0].starts_with("Normal SuccessfulCreate ReplicaSet/web: Created pod: web-"));
}

TEST_F(ReplicaSetTest, CountsReadyAndAvailablePods) {
  auto wanted = make_set("web", 1);
  wanted.spec.min_ready_seconds = 10;
  api_.put(wanted);
  start<ReplicaSetController>();
  make_ready(api_.all<corev1::Pod>()[0].metadata.name);
  EXPECT_EQ(set().status.ready_replicas, 1);
  EXPECT_EQ(set().status.available_replicas, 0);
  advance(seconds(12));
  EXPECT_EQ(set().status.available_replicas, 1);
}

TEST_F(ReplicaSetTest, ReplacesADeletedPod) {
  api_.put(make_set("web", 2));
  start<ReplicaSetController>();
  const auto name = api_.all<corev1::Pod>()[0].metadata.name;
  EXPECT_EQ(api_.remove<corev1::Pod>({"default", name}), 200);
  run();
  EXPECT_EQ(api_.all<corev1::Pod>().size(), 2u);
  EXPECT_FALSE(api_.get<corev1::Pod>({"default", name}));
}

TEST_F(ReplicaSetTest, ScalesDownThePodsThatServeLeast) {
  api_.put(make_set("web", 3));
  start<ReplicaSetController>();
  const auto keep = api_.all<corev1::Pod>()[1].metadata.name;
  make_ready(keep);
  api_.edit<appsv1::ReplicaSet>({"default", "web"}, [](auto& s) { s.spec.replicas = 1; });
  run();
  const auto left = api_.all<corev1::Pod>();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].metadata.name, keep);
  int deleted = 0;
  for (const auto& e : events())
    deleted += e.starts_with("Normal SuccessfulDelete ReplicaSet/web: Deleted pod: web-");
  EXPECT_EQ(deleted, 2);
}

TEST_F(ReplicaSetTest, AdoptsOrphansAndReleasesWhatItSelectsNoMore) {
  api_.put(make_set("web", 1));
  api_.put(make_pod("orphan"));
  start<ReplicaSetController>();
  auto pods = api_.all<corev1::Pod>();
  ASSERT_EQ(pods.size(), 1u);
  EXPECT_TRUE(api::is_controlled_by(pods[0].metadata, set().metadata.uid));
  api_.edit<corev1::Pod>({"default", "orphan"},
                         [](corev1::Pod& p) { p.metadata.labels = {{"app", "other"}}; });
  run();
  EXPECT_TRUE(api_.get<corev1::Pod>({"default", "orphan"})->metadata.owner_references.empty());
  EXPECT_EQ(api_.all<corev1::Pod>().size(), 2u);
}

TEST_F(ReplicaSetTest, StopsMakingPodsWhenTheServerRefusesAndSaysSo) {
  api_.fail_next("POST", "/pods",
                 Status(Reason::kForbidden, "pods \"x\" is forbidden: exceeded quota"), 2);
  api_.put(make_set("web", 4));
  start<ReplicaSetController>();
  EXPECT_EQ(count_requests("POST", "/pods"), 2);  // one at a time, not four
  ASSERT_EQ(set().status.conditions.size(), 1u);
  EXPECT_EQ(set().status.conditions[0].reason, "FailedCreate");
  EXPECT_EQ(set().status.conditions[0].message, "pods \"x\" is forbidden: exceeded quota");
  advance(seconds(1));
  EXPECT_EQ(api_.all<corev1::Pod>().size(), 4u);
  EXPECT_TRUE(set().status.conditions.empty());
  bool warned = false;
  for (const auto& e : events()) {
    warned |= e ==
              "Warning FailedCreate ReplicaSet/web: Error creating: pods \"x\" is forbidden: "
              "exceeded quota";
  }
  EXPECT_TRUE(warned);
}

TEST_F(ReplicaSetTest, SurvivesARestartOfTheServer) {
  api_.put(make_set("web", 1));
  start<ReplicaSetController>();
  api_.break_watches();
  api_.edit<appsv1::ReplicaSet>({"default", "web"}, [](auto& s) { s.spec.replicas = 2; });
  api_.compact();
  advance(seconds(5));
  EXPECT_EQ(api_.all<corev1::Pod>().size(), 2u);
}

TEST_F(ReplicaSetTest, AReplicationControllerKeepsItsPodsToo) {
  corev1::ReplicationController controller;
  controller.metadata.name = "old";
  controller.metadata.namespace_ = "default";
  controller.metadata.generation = 1;
  controller.spec.replicas = 2;
  controller.spec.selector = {{"app", "web"}};
  controller.spec.template_.ensure().metadata.labels = {{"app", "web"}};
  controller.spec.template_->spec.containers.emplace_back().name = "c";
  api_.put(controller);
  start<ReplicationControllerController>();
  const auto pods = api_.all<corev1::Pod>();
  ASSERT_EQ(pods.size(), 2U);
  EXPECT_EQ(pods[0].metadata.owner_references.at(0).kind, "ReplicationController");
  for (const auto& pod : pods) make_ready(pod.metadata.name);
  run();
  const auto status = api_.get<corev1::ReplicationController>({"default", "old"})->status;
  EXPECT_EQ(status.replicas, 2);
  EXPECT_EQ(status.ready_replicas, 2);
  EXPECT_EQ(status.observed_generation, 1);
  api_.edit<corev1::ReplicationController>({"default", "old"},
                                           [](auto& rc) { rc.spec.replicas = 1; });
  run();
  EXPECT_EQ(count_requests("DELETE", "/pods/"), 1);
}

}  // namespace
}  // namespace kpp::controllers
