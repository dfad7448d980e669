#include "controllers/garbage_collector/garbage_collector.h"

#include "api/appsv1.h"
#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class GarbageCollectorTest : public testing::ControllerTest {
 protected:
  GarbageCollectorTest() {
    appsv1::ReplicaSet set;
    set.metadata.name = "web";
    set.metadata.namespace_ = "default";
    set_ = api_.put(set);
    corev1::Pod pod;
    pod.metadata.name = "web-1";
    pod.metadata.namespace_ = "default";
    pod.metadata.owner_references = {
        api::controller_reference(appsv1::ReplicaSet::desc(), set_.metadata)};
    api_.put(pod);
  }
  bool pod_exists() { return api_.get<corev1::Pod>({"default", "web-1"}).has_value(); }
  bool set_exists() { return api_.get<appsv1::ReplicaSet>({"default", "web"}).has_value(); }
  int remove_set(std::string_view policy) {
    const int code = api_.remove<appsv1::ReplicaSet>(
        {"default", "web"}, cat("{\"propagationPolicy\":\"", policy, "\"}"));
    run();
    return code;
  }

  appsv1::ReplicaSet set_;
};

TEST_F(GarbageCollectorTest, WhatHasAnOwnerStays) {
  start<GarbageCollector>();
  EXPECT_TRUE(pod_exists());
}

TEST_F(GarbageCollectorTest, BackgroundDeletionTakesTheDependents) {
  start<GarbageCollector>();
  EXPECT_EQ(remove_set("Background"), 200);
  EXPECT_FALSE(pod_exists());
}

TEST_F(GarbageCollectorTest, AnOwnerThatWasGoneBeforeTheStartIsNoticed) {
  api_.erase<appsv1::ReplicaSet>({"default", "web"});
  start<GarbageCollector>();
  advance(std::chrono::seconds(1));
  EXPECT_FALSE(pod_exists());
}

TEST_F(GarbageCollectorTest, OwnersThatAreCorrectedAtOnceDoNotCostTheObject) {
  start<GarbageCollector>();
  const auto right = api_.get<corev1::Pod>({"default", "web-1"})->metadata.owner_references;
  corev1::Pod pod;
  pod.metadata.name = "web-2";
  pod.metadata.namespace_ = "default";
  pod.metadata.owner_references = right;
  pod.metadata.owner_references[0].uid = "not-known";
  api_.put(pod);
  run();
  EXPECT_TRUE(api_.edit<corev1::Pod>({"default", "web-2"},
                                     [&](corev1::Pod& p) { p.metadata.owner_references = right; }));
  advance(std::chrono::seconds(1));
  EXPECT_TRUE(api_.get<corev1::Pod>({"default", "web-2"}).has_value());
}

TEST_F(GarbageCollectorTest, ForegroundDeletionKeepsTheOwnerUntilTheDependentsAreGone) {
  api_.edit<corev1::Pod>({"default", "web-1"}, [](corev1::Pod& p) { p.spec.node_name = "node1"; });
  start<GarbageCollector>();
  EXPECT_EQ(remove_set("Foreground"), 200);
  EXPECT_TRUE(set_exists());
  EXPECT_TRUE(api_.get<corev1::Pod>({"default", "web-1"})->metadata.deletion_timestamp);
  EXPECT_EQ(api_.remove<corev1::Pod>({"default", "web-1"}, R"({"gracePeriodSeconds":0})"), 200);
  run();
  EXPECT_FALSE(set_exists());
}

TEST_F(GarbageCollectorTest, OrphaningLeavesTheDependentsWithoutTheirOwner) {
  start<GarbageCollector>();
  EXPECT_EQ(remove_set("Orphan"), 200);
  EXPECT_FALSE(set_exists());
  ASSERT_TRUE(pod_exists());
  EXPECT_TRUE(api_.get<corev1::Pod>({"default", "web-1"})->metadata.owner_references.empty());
}

TEST_F(GarbageCollectorTest, ForegroundDeletionOfOneInACircleTakesThemAll) {
  std::vector<corev1::Pod> pods;
  for (const auto* name : {"a", "b", "c"}) {
    corev1::Pod pod;
    pod.metadata.name = name;
    pod.metadata.namespace_ = "default";
    pods.push_back(api_.put(pod));
  }
  for (std::size_t i = 0; i < pods.size(); ++i) {
    api_.edit<corev1::Pod>(api::key_of(pods[i].metadata), [&](corev1::Pod& p) {
      p.metadata.owner_references = {api::controller_reference(
          corev1::Pod::desc(), pods[(i + pods.size() - 1) % pods.size()].metadata)};
    });
  }
  start<GarbageCollector>();
  EXPECT_EQ(api_.remove<corev1::Pod>({"default", "a"}, R"({"propagationPolicy":"Foreground"})"),
            200);
  advance(std::chrono::seconds(1));
  for (const auto& pod : pods)
    EXPECT_FALSE(api_.get<corev1::Pod>(api::key_of(pod.metadata)).has_value()) << pod.metadata.name;
}

TEST_F(GarbageCollectorTest, OneOwnerOfTwoIsEnoughToStay) {
  corev1::ConfigMap other;
  other.metadata.name = "other";
  other.metadata.namespace_ = "default";
  other = api_.put(other);
  api_.edit<corev1::Pod>({"default", "web-1"}, [&](corev1::Pod& p) {
    auto reference = api::controller_reference(corev1::ConfigMap::desc(), other.metadata);
    reference.controller.reset();
    p.metadata.owner_references.push_back(reference);
  });
  start<GarbageCollector>();
  EXPECT_EQ(remove_set("Background"), 200);
  ASSERT_TRUE(pod_exists());
  const auto owners = api_.get<corev1::Pod>({"default", "web-1"})->metadata.owner_references;
  ASSERT_EQ(owners.size(), 1u);
  EXPECT_EQ(owners[0].kind, "ConfigMap");
}

}  // namespace
}  // namespace kpp::controllers
