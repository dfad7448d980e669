#include "controllers/daemonset/daemonset_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

using std::chrono::seconds;

class DaemonSetTest : public testing::ControllerTest {
 protected:
  void put_node(const std::string& name) {
    corev1::Node node;
    node.metadata.name = name;
    node.metadata.labels = {{"zone", name}};
    api_.put(node);
  }
  appsv1::DaemonSet make_set() {
    appsv1::DaemonSet set;
    set.metadata.name = "ds";
    set.metadata.namespace_ = "default";
    set.metadata.generation = 1;
    set.metadata.annotations = {{"deprecated.daemonset.template.generation", "1"}};
    set.spec.selector.ensure().match_labels = {{"app", "d"}};
    set.spec.template_.metadata.labels = {{"app", "d"}};
    set.spec.template_.spec.containers.emplace_back().name = "c";
    set.spec.update_strategy.type = "RollingUpdate";
    set.spec.update_strategy.rolling_update.ensure().max_unavailable = api::IntOrString(1);
    set.spec.revision_history_limit = 10;
    return set;
  }
  appsv1::DaemonSet set() { return *api_.get<appsv1::DaemonSet>({"default", "ds"}); }
  std::vector<corev1::Pod> pods() { return api_.all<corev1::Pod>(); }
  void make_all_ready() {
    for (const auto& pod : pods()) {
      if (pod.metadata.deletion_timestamp) continue;
      api_.edit<corev1::Pod>(api::key_of(pod), [this](corev1::Pod& p) {
        p.spec.node_name = target_node(p);
        p.status.phase = "Running";
        p.status.conditions.clear();
        auto& ready = p.status.conditions.emplace_back();
        ready.type = "Ready";
        ready.status = "True";
        ready.last_transition_time = api::Time::from(executor_.wall());
      });
    }
    run();
  }
  void change_template() {
    api_.edit<appsv1::DaemonSet>({"default", "ds"}, [](appsv1::DaemonSet& s) {
      s.spec.template_.spec.containers[0].image =
          cat(s.spec.template_.spec.containers[0].image, "x");
      ++s.metadata.generation;
      s.metadata.annotations["deprecated.daemonset.template.generation"] =
          std::to_string(s.metadata.generation);
    });
    run();
  }
  void finish_deletions() {
    for (const auto& pod : pods()) {
      if (pod.metadata.deletion_timestamp) api_.erase<corev1::Pod>(api::key_of(pod));
    }
    run();
  }
};

TEST_F(DaemonSetTest, EachNodeGetsAPodThatIsPinnedToIt) {
  put_node("n1");
  put_node("n2");
  api_.put(make_set());
  start<DaemonSetController>();
  ASSERT_EQ(pods().size(), 2u);
  EXPECT_EQ(std::set<std::string>({target_node(pods()[0]), target_node(pods()[1])}),
            std::set<std::string>({"n1", "n2"}));
  const auto pod = pods()[0];
  EXPECT_EQ(pod.spec.tolerations.size(), 6u);
  EXPECT_EQ(pod.metadata.labels.at("pod-template-generation"), "1");
  EXPECT_FALSE(pod.metadata.labels.at("controller-revision-hash").empty());
  EXPECT_EQ(set().status.desired_number_scheduled, 2);
  EXPECT_EQ(set().status.number_unavailable, 2);
  make_all_ready();
  EXPECT_EQ(set().status.number_ready, 2);
  EXPECT_EQ(set().status.number_unavailable, 0);
  EXPECT_EQ(set().status.updated_number_scheduled, 2);
  EXPECT_EQ(set().status.observed_generation, 1);
}

TEST_F(DaemonSetTest, ANodeThatComesGetsAPodAndATaintTakesIt) {
  put_node("n1");
  api_.put(make_set());
  start<DaemonSetController>();
  put_node("n2");
  run();
  EXPECT_EQ(pods().size(), 2u);
  api_.edit<corev1::Node>({"", "n2"}, [](corev1::Node& node) {
    auto& taint = node.spec.taints.emplace_back();
    taint.key = "dedicated";
    taint.effect = "NoSchedule";
  });
  run();
  EXPECT_EQ(pods().size(), 2u);  // NoSchedule leaves what runs
  EXPECT_EQ(set().status.number_misscheduled, 1);
  api_.edit<corev1::Node>({"", "n2"},
                          [](corev1::Node& node) { node.spec.taints[0].effect = "NoExecute"; });
  run();
  EXPECT_EQ(pods().size(), 1u);
}

TEST_F(DaemonSetTest, NodeSelectorNarrowsTheNodes) {
  put_node("n1");
  put_node("n2");
  auto narrow = make_set();
  narrow.spec.template_.spec.node_selector = {{"zone", "n2"}};
  api_.put(narrow);
  start<DaemonSetController>();
  ASSERT_EQ(pods().size(), 1u);
  EXPECT_EQ(target_node(pods()[0]), "n2");
}

TEST_F(DaemonSetTest, RollingUpdateTakesOneNodeAtATime) {
  put_node("n1");
  put_node("n2");
  api_.put(make_set());
  start<DaemonSetController>();
  make_all_ready();
  change_template();
  int deleting = 0;
  for (const auto& pod : pods()) deleting += pod.metadata.deletion_timestamp ? 1 : 0;
  EXPECT_EQ(deleting, 1);
  EXPECT_EQ(set().status.updated_number_scheduled, 0);
  finish_deletions();
  EXPECT_EQ(set().status.updated_number_scheduled, 1);
  make_all_ready();
  finish_deletions();
  make_all_ready();
  EXPECT_EQ(set().status.updated_number_scheduled, 2);
  EXPECT_EQ(api_.all<appsv1::ControllerRevision>().size(), 2u);
}

TEST_F(DaemonSetTest, SurgeStartsTheNewPodBeforeTheOldOneGoes) {
  put_node("n1");
  auto surging = make_set();
  surging.spec.update_strategy.rolling_update->max_surge = api::IntOrString(1);
  surging.spec.update_strategy.rolling_update->max_unavailable = api::IntOrString(0);
  api_.put(surging);
  start<DaemonSetController>();
  make_all_ready();
  change_template();
  ASSERT_EQ(pods().size(), 2u);
  for (const auto& pod : pods()) EXPECT_FALSE(pod.metadata.deletion_timestamp);
  make_all_ready();
  finish_deletions();
  ASSERT_EQ(pods().size(), 1u);
  EXPECT_EQ(set().status.updated_number_scheduled, 1);
}

TEST_F(DaemonSetTest, OnDeleteWaitsForADeletion) {
  put_node("n1");
  auto on_delete = make_set();
  on_delete.spec.update_strategy = {};
  on_delete.spec.update_strategy.type = "OnDelete";
  api_.put(on_delete);
  start<DaemonSetController>();
  make_all_ready();
  const auto old = pods().at(0);
  change_template();
  EXPECT_FALSE(pods().at(0).metadata.deletion_timestamp);
  api_.erase<corev1::Pod>(api::key_of(old));
  run();
  ASSERT_EQ(pods().size(), 1u);
  EXPECT_NE(pods()[0].metadata.labels.at("controller-revision-hash"),
            old.metadata.labels.at("controller-revision-hash"));
}

TEST_F(DaemonSetTest, AFailedPodIsReplacedAndTheNextFailureWaits) {
  put_node("n1");
  api_.put(make_set());
  start<DaemonSetController>();
  const auto fail = [this] {
    api_.edit<corev1::Pod>(api::key_of(pods().at(0)),
                           [](corev1::Pod& p) { p.status.phase = "Failed"; });
    run();
  };
  const auto first = pods().at(0).metadata.name;
  fail();
  ASSERT_EQ(pods().size(), 1u);
  const auto second = pods().at(0).metadata.name;
  EXPECT_NE(first, second);
  fail();
  EXPECT_EQ(pods().at(0).metadata.name, second);
  advance(seconds(2));
  run();
  EXPECT_NE(pods().at(0).metadata.name, second);
  bool told = false;
  for (const auto& e : events()) {
    told |= e == cat("Warning FailedDaemonPod DaemonSet/ds: Found failed daemon pod default/",
                     first, " on node n1, will try to kill it");
  }
  EXPECT_TRUE(told);
}

TEST_F(DaemonSetTest, GoingBackToAnOldTemplateReusesItsRevision) {
  put_node("n1");
  api_.put(make_set());
  start<DaemonSetController>();
  make_all_ready();
  const auto first = set().spec.template_;
  change_template();
  api_.edit<appsv1::DaemonSet>({"default", "ds"}, [&](appsv1::DaemonSet& s) {
    s.spec.template_ = first;
    ++s.metadata.generation;
  });
  run();
  const auto revisions = api_.all<appsv1::ControllerRevision>();
  ASSERT_EQ(revisions.size(), 2u);
  std::set<std::int64_t> numbers;
  for (const auto& r : revisions) numbers.insert(r.revision);
  EXPECT_EQ(numbers, (std::set<std::int64_t>{2, 3}));
}

}  // namespace
}  // namespace kpp::controllers
