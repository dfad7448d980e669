#include "controllers/statefulset/statefulset_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class StatefulSetTest : public testing::ControllerTest {
 protected:
  appsv1::StatefulSet make_set(int replicas) {
    appsv1::StatefulSet set;
    set.metadata.name = "db";
    set.metadata.namespace_ = "default";
    set.metadata.generation = 1;
    set.spec.replicas = replicas;
    set.spec.service_name = "h";
    set.spec.selector.ensure().match_labels = {{"app", "db"}};
    set.spec.template_.metadata.labels = {{"app", "db"}};
    set.spec.template_.spec.containers.emplace_back().name = "c";
    set.spec.pod_management_policy = "OrderedReady";
    set.spec.update_strategy.type = "RollingUpdate";
    set.spec.update_strategy.rolling_update.ensure().partition = 0;
    set.spec.revision_history_limit = 10;
    return set;
  }
  appsv1::StatefulSet set() { return *api_.get<appsv1::StatefulSet>({"default", "db"}); }
  std::string names() {
    std::string out;
    for (const auto& pod : api_.all<corev1::Pod>()) {
      out += cat(out.empty() ? "" : " ", pod.metadata.name,
                 pod.metadata.deletion_timestamp ? "(-)" : "");
    }
    return out;
  }
  void make_ready(const std::string& name) {
    api_.edit<corev1::Pod>({"default", name}, [this](corev1::Pod& p) {
      p.spec.node_name = "n1";
      p.status.phase = "Running";
      p.status.conditions.clear();
      auto& ready = p.status.conditions.emplace_back();
      ready.type = "Ready";
      ready.status = "True";
      ready.last_transition_time = api::Time::from(executor_.wall());
    });
    run();
  }
  void gone(const std::string& name) {
    api_.erase<corev1::Pod>({"default", name});
    run();
  }
  void change(const std::function<void(appsv1::StatefulSet&)>& how) {
    api_.edit<appsv1::StatefulSet>({"default", "db"}, [&](appsv1::StatefulSet& s) {
      how(s);
      ++s.metadata.generation;
    });
    run();
  }
  void scale(int replicas) {
    change([&](auto& s) { s.spec.replicas = replicas; });
  }
  void change_template() {
    change([](auto& s) { s.spec.template_.spec.containers[0].image += "x"; });
  }
  bool has_event(const std::string& text) {
    const auto all = events();
    return std::find(all.begin(), all.end(), text) != all.end();
  }
};

TEST_F(StatefulSetTest, PodsComeOneAfterAnother) {
  api_.put(make_set(2));
  start<StatefulSetController>();
  EXPECT_EQ(names(), "db-0");
  EXPECT_EQ(set().status.replicas, 1);
  make_ready("db-0");
  EXPECT_EQ(names(), "db-0 db-1");
  make_ready("db-1");
  const auto status = set().status;
  EXPECT_EQ(status.ready_replicas, 2);
  EXPECT_EQ(status.available_replicas, 2);
  EXPECT_EQ(status.current_replicas, 2);
  EXPECT_EQ(status.updated_replicas, 2);
  EXPECT_EQ(status.collision_count, 0);
  EXPECT_EQ(status.current_revision, status.update_revision);
  const auto pod = *api_.get<corev1::Pod>({"default", "db-1"});
  EXPECT_EQ(pod.spec.hostname, "db-1");
  EXPECT_EQ(pod.spec.subdomain, "h");
  EXPECT_EQ(pod.metadata.labels.at("apps.kubernetes.io/pod-index"), "1");
  EXPECT_EQ(pod.metadata.labels.at("statefulset.kubernetes.io/pod-name"), "db-1");
  EXPECT_TRUE(has_event(
      "Normal SuccessfulCreate StatefulSet/db: Create Pod db-1 in StatefulSet db successful"));
}

TEST_F(StatefulSetTest, ParallelDoesNotWait) {
  auto parallel = make_set(3);
  parallel.spec.pod_management_policy = "Parallel";
  api_.put(parallel);
  start<StatefulSetController>();
  EXPECT_EQ(names(), "db-0 db-1 db-2");
  scale(1);
  EXPECT_EQ(names(), "db-0");
}

TEST_F(StatefulSetTest, ScalingDownTakesTheHighestFirst) {
  api_.put(make_set(3));
  start<StatefulSetController>();
  for (const auto* name : {"db-0", "db-1", "db-2"}) make_ready(name);
  scale(1);
  EXPECT_EQ(names(), "db-0 db-1 db-2(-)");
  gone("db-2");
  EXPECT_EQ(names(), "db-0 db-1(-)");
  gone("db-1");
  EXPECT_EQ(names(), "db-0");
  EXPECT_EQ(set().status.replicas, 1);
}

TEST_F(StatefulSetTest, ScalingDownHaltsAtAPodThatDoesNotServeUnlessItIsTheFirstOfAll) {
  api_.put(make_set(3));
  start<StatefulSetController>();
  for (const auto* name : {"db-0", "db-1", "db-2"}) make_ready(name);
  const auto break_pod = [&](const std::string& name) {
    api_.edit<corev1::Pod>({"default", name},
                           [](corev1::Pod& p) { p.status.conditions[0].status = "False"; });
    run();
  };
  break_pod("db-1");
  break_pod("db-2");
  scale(0);
  EXPECT_EQ(names(), "db-0 db-1 db-2");
  make_ready("db-1");  // db-2 is now the first that does not serve
  EXPECT_EQ(names(), "db-0 db-1 db-2(-)");
  break_pod("db-0");
  gone("db-2");
  EXPECT_EQ(names(), "db-0 db-1(-)");
}

TEST_F(StatefulSetTest, RollingUpdateGoesFromTheHighestDown) {
  api_.put(make_set(2));
  start<StatefulSetController>();
  make_ready("db-0");
  make_ready("db-1");
  change_template();
  EXPECT_EQ(names(), "db-0 db-1(-)");
  EXPECT_NE(set().status.current_revision, set().status.update_revision);
  EXPECT_EQ(set().status.current_replicas, 1);
  gone("db-1");
  EXPECT_EQ(names(), "db-0 db-1");
  EXPECT_EQ(set().status.updated_replicas, 1);
  make_ready("db-1");
  EXPECT_EQ(names(), "db-0(-) db-1");
  gone("db-0");
  make_ready("db-0");
  EXPECT_EQ(set().status.current_revision, set().status.update_revision);
  EXPECT_EQ(set().status.current_replicas, 2);
}

TEST_F(StatefulSetTest, ThePartitionKeepsLowerOrdinals) {
  auto split = make_set(2);
  split.spec.update_strategy.rolling_update->partition = 1;
  api_.put(split);
  start<StatefulSetController>();
  make_ready("db-0");
  make_ready("db-1");
  const auto old = set().status.current_revision;
  change_template();
  gone("db-1");
  make_ready("db-1");
  EXPECT_EQ(names(), "db-0 db-1");
  gone("db-0");  // comes back as what it was
  EXPECT_EQ(
      api_.get<corev1::Pod>({"default", "db-0"})->metadata.labels.at("controller-revision-hash"),
      old);
}

TEST_F(StatefulSetTest, AFinishedPodIsMadeAgain) {
  api_.put(make_set(1));
  start<StatefulSetController>();
  const auto first = api_.get<corev1::Pod>({"default", "db-0"})->metadata.uid;
  api_.edit<corev1::Pod>({"default", "db-0"}, [](corev1::Pod& p) { p.status.phase = "Failed"; });
  run();
  EXPECT_NE(api_.get<corev1::Pod>({"default", "db-0"})->metadata.uid, first);
}

TEST_F(StatefulSetTest, ClaimsAreMadeFromTemplatesAndStay) {
  auto with_claims = make_set(1);
  with_claims.spec.volume_claim_templates.emplace_back().metadata.name = "data";
  api_.put(with_claims);
  start<StatefulSetController>();
  EXPECT_TRUE(api_.get<corev1::PersistentVolumeClaim>({"default", "data-db-0"}));
  const auto pod = *api_.get<corev1::Pod>({"default", "db-0"});
  ASSERT_EQ(pod.spec.volumes.size(), 1u);
  EXPECT_EQ(pod.spec.volumes[0].volume_source.persistent_volume_claim->claim_name, "data-db-0");
  EXPECT_TRUE(
      has_event("Normal SuccessfulCreate StatefulSet/db: Create Claim data-db-0 Pod db-0 in "
                "StatefulSet db success"));
  make_ready("db-0");
  scale(0);
  gone("db-0");
  EXPECT_TRUE(api_.get<corev1::PersistentVolumeClaim>({"default", "data-db-0"})
                  ->metadata.owner_references.empty());
}

TEST_F(StatefulSetTest, ClaimsGoWithTheSetOrThePodIfThePolicySaysSo) {
  auto with_claims = make_set(1);
  with_claims.spec.volume_claim_templates.emplace_back().metadata.name = "data";
  auto& policy = with_claims.spec.persistent_volume_claim_retention_policy.ensure();
  policy.when_deleted = policy.when_scaled = "Delete";
  api_.put(with_claims);
  start<StatefulSetController>();
  const auto owner = [this] {
    const auto claim = *api_.get<corev1::PersistentVolumeClaim>({"default", "data-db-0"});
    return claim.metadata.owner_references.empty() ? std::string()
                                                   : claim.metadata.owner_references[0].kind;
  };
  make_ready("db-0");
  EXPECT_EQ(owner(), "StatefulSet");
  scale(0);
  EXPECT_EQ(owner(), "Pod");
}

}  // namespace
}  // namespace kpp::controllers
