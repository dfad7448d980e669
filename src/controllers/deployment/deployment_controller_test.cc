#include "controllers/deployment/deployment_controller.h"

#include <algorithm>

#include "controllers/replicaset/replicaset_controller.h"
#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

using std::chrono::seconds;

appsv1::Deployment make_deployment(int replicas) {
  appsv1::Deployment d;
  d.metadata.name = "web";
  d.metadata.namespace_ = "default";
  d.metadata.generation = 1;
  d.spec.replicas = replicas;
  d.spec.selector.ensure().match_labels = {{"app", "web"}};
  d.spec.template_.metadata.labels = {{"app", "web"}};
  d.spec.template_.spec.containers.emplace_back().name = "c";
  d.spec.strategy.type = "RollingUpdate";
  d.spec.strategy.rolling_update.ensure().max_surge = api::IntOrString("25%");
  d.spec.strategy.rolling_update->max_unavailable = api::IntOrString("25%");
  d.spec.progress_deadline_seconds = 600;
  d.spec.revision_history_limit = 10;
  return d;
}

class DeploymentTest : public testing::ControllerTest {
 protected:
  void start_both() {
    start_all(std::make_unique<DeploymentController>(context()),
              std::make_unique<ReplicaSetController>(context()));
  }
  appsv1::Deployment deployment() { return *api_.get<appsv1::Deployment>({"default", "web"}); }
  std::vector<appsv1::ReplicaSet> sets() {
    auto all = api_.all<appsv1::ReplicaSet>();
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.metadata.annotations.at("deployment.kubernetes.io/revision") <
             b.metadata.annotations.at("deployment.kubernetes.io/revision");
    });
    return all;
  }
  // As a kubelet: all pods become ready, those that are deleted go at once (they are not bound).
  void settle() {
    run();
    for (int i = 0; i < 20; ++i) {
      bool changed = false;
      for (const auto& pod : api_.all<corev1::Pod>()) {
        if (!pod.status.conditions.empty()) continue;
        changed = true;
        api_.edit<corev1::Pod>(api::key_of(pod), [](corev1::Pod& p) {
          p.status.phase = "Running";
          auto& ready = p.status.conditions.emplace_back();
          ready.type = "Ready";
          ready.status = "True";
        });
      }
      run();
      if (!changed) return;
    }
  }
  void set_image(const std::string& image) {
    api_.edit<appsv1::Deployment>({"default", "web"}, [&](appsv1::Deployment& d) {
      d.spec.template_.spec.containers[0].image = image;
      ++d.metadata.generation;
    });
    run();
  }
  const appsv1::DeploymentCondition& condition(const appsv1::Deployment& d, std::string_view type) {
    static const appsv1::DeploymentCondition kNone;
    for (const auto& c : d.status.conditions) {
      if (c.type == type) return c;
    }
    return kNone;
  }
};

TEST_F(DeploymentTest, MakesAReplicaSetAndReportsProgressAsTheOriginalDoes) {
  api_.put(make_deployment(3));
  start_both();
  ASSERT_EQ(sets().size(), 1u);
  const auto set = sets()[0];
  const std::string hash = set.metadata.labels.at("pod-template-hash");
  EXPECT_EQ(set.metadata.name, "web-" + hash);
  EXPECT_EQ(set.spec.selector->match_labels.at("pod-template-hash"), hash);
  EXPECT_EQ(set.metadata.annotations.at("deployment.kubernetes.io/desired-replicas"), "3");
  EXPECT_EQ(set.metadata.annotations.at("deployment.kubernetes.io/max-replicas"), "4");
  EXPECT_EQ(deployment().metadata.annotations.at("deployment.kubernetes.io/revision"), "1");
  EXPECT_EQ(deployment().status.unavailable_replicas, 3);
  EXPECT_EQ(condition(deployment(), "Available").reason, "MinimumReplicasUnavailable");
  settle();
  const auto d = deployment();
  EXPECT_EQ(d.status.ready_replicas, 3);
  EXPECT_EQ(d.status.updated_replicas, 3);
  EXPECT_EQ(d.status.unavailable_replicas, 0);
  EXPECT_EQ(condition(d, "Available").message, "Deployment has minimum availability.");
  EXPECT_EQ(condition(d, "Progressing").reason, "NewReplicaSetAvailable");
  EXPECT_EQ(condition(d, "Progressing").message,
            cat("ReplicaSet \"", set.metadata.name, "\" has successfully progressed."));
  const auto all = events();
  EXPECT_NE(std::find(all.begin(), all.end(),
                      cat("Normal ScalingReplicaSet Deployment/web: Scaled up replica set ",
                          set.metadata.name, " from 0 to 3")),
            all.end());
}

TEST_F(DeploymentTest, RollsToANewTemplateWithinItsBounds) {
  api_.put(make_deployment(3));
  start_both();
  settle();
  set_image("two");
  ASSERT_EQ(sets().size(), 2u);
  EXPECT_EQ(sets()[1].spec.replicas, 1);  // 25 % surge of 3, rounded up
  EXPECT_EQ(sets()[0].spec.replicas, 3);  // 25 % unavailable, rounded down: none
  settle();
  EXPECT_EQ(sets()[0].spec.replicas, 0);
  EXPECT_EQ(sets()[1].spec.replicas, 3);
  EXPECT_EQ(deployment().metadata.annotations.at("deployment.kubernetes.io/revision"), "2");
  EXPECT_EQ(condition(deployment(), "Progressing").reason, "NewReplicaSetAvailable");
  EXPECT_EQ(api_.all<corev1::Pod>().size(), 3u);
}

TEST_F(DeploymentTest, GoingBackToAnOldTemplateTakesItsSetAndNotesTheHistory) {
  api_.put(make_deployment(1));
  start_both();
  settle();
  set_image("two");
  settle();
  set_image("");
  settle();
  ASSERT_EQ(sets().size(), 2u);
  const auto annotations = sets()[1].metadata.annotations;
  EXPECT_EQ(annotations.at("deployment.kubernetes.io/revision"), "3");
  EXPECT_EQ(annotations.at("deployment.kubernetes.io/revision-history"), "1");
  EXPECT_EQ(sets()[1].spec.replicas, 1);
}

TEST_F(DeploymentTest, ScalesItsSetAndTellsSo) {
  api_.put(make_deployment(2));
  start_both();
  settle();
  api_.edit<appsv1::Deployment>({"default", "web"}, [](auto& d) { d.spec.replicas = 5; });
  settle();
  EXPECT_EQ(sets()[0].spec.replicas, 5);
  EXPECT_EQ(sets()[0].metadata.annotations.at("deployment.kubernetes.io/desired-replicas"), "5");
  const auto all = events();
  EXPECT_NE(std::find_if(all.begin(), all.end(),
                         [](const auto& e) { return e.ends_with(" from 2 to 5"); }),
            all.end());
}

TEST_F(DeploymentTest, TimesOutWhenNothingMoves) {
  auto d = make_deployment(1);
  d.spec.progress_deadline_seconds = 8;
  api_.put(d);
  start_both();
  advance(seconds(7));
  EXPECT_EQ(condition(deployment(), "Progressing").status, "True");
  advance(seconds(5));
  EXPECT_EQ(condition(deployment(), "Progressing").status, "False");
  EXPECT_EQ(condition(deployment(), "Progressing").reason, "ProgressDeadlineExceeded");
  EXPECT_TRUE(
      condition(deployment(), "Progressing").message.ends_with("has timed out progressing."));
}

TEST_F(DeploymentTest, PausedItRollsNothingUntilItIsResumed) {
  api_.put(make_deployment(1));
  start_both();
  settle();
  api_.edit<appsv1::Deployment>({"default", "web"}, [](auto& d) { d.spec.paused = true; });
  run();
  EXPECT_EQ(condition(deployment(), "Progressing").reason, "DeploymentPaused");
  EXPECT_EQ(condition(deployment(), "Progressing").message, "Deployment is paused");
  set_image("two");
  EXPECT_EQ(sets().size(), 1u);
  EXPECT_EQ(deployment().status.updated_replicas, 0);
  api_.edit<appsv1::Deployment>({"default", "web"}, [](auto& d) { d.spec.paused = false; });
  settle();
  EXPECT_EQ(sets().size(), 2u);
  EXPECT_EQ(condition(deployment(), "Progressing").reason, "NewReplicaSetAvailable");
}

TEST_F(DeploymentTest, RecreateEndsAllOldPodsFirst) {
  auto wanted = make_deployment(2);
  wanted.spec.strategy.type = "Recreate";
  wanted.spec.strategy.rolling_update.reset();
  api_.put(wanted);
  start_both();
  settle();
  for (const auto& pod : api_.all<corev1::Pod>()) {
    api_.edit<corev1::Pod>(api::key_of(pod), [](corev1::Pod& p) { p.spec.node_name = "node1"; });
  }
  set_image("two");
  EXPECT_EQ(sets().size(), 1u);  // the old pods still terminate
  for (const auto& pod : api_.all<corev1::Pod>())
    EXPECT_EQ(api_.remove<corev1::Pod>(api::key_of(pod), R"({"gracePeriodSeconds":0})"), 200);
  settle();
  ASSERT_EQ(sets().size(), 2u);
  EXPECT_EQ(sets()[1].status.ready_replicas, 2);
}

TEST_F(DeploymentTest, KeepsNoMoreOldSetsThanItsLimit) {
  auto wanted = make_deployment(1);
  wanted.spec.revision_history_limit = 0;
  api_.put(wanted);
  start_both();
  settle();
  set_image("two");
  settle();
  EXPECT_EQ(sets().size(), 1u);
}

}  // namespace
}  // namespace kpp::controllers
