#include "controllers/disruption/disruption_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class DisruptionTest : public testing::ControllerTest {
 protected:
  void put_budget(std::optional<api::IntOrString> least, std::optional<api::IntOrString> most) {
    policyv1::PodDisruptionBudget budget;
    budget.metadata.name = "b";
    budget.metadata.namespace_ = "default";
    budget.metadata.generation = 1;
    budget.spec.min_available = least;
    budget.spec.max_unavailable = most;
    budget.spec.selector.ensure().match_labels = {{"app", "web"}};
    api_.put(budget);
  }
  appsv1::ReplicaSet put_set(int replicas) {
    appsv1::ReplicaSet set;
    set.metadata.name = "web";
    set.metadata.namespace_ = "default";
    set.spec.replicas = replicas;
    return api_.put(set);
  }
  void put_pod(const std::string& name, bool ready, const appsv1::ReplicaSet* owner) {
    corev1::Pod pod;
    pod.metadata.name = name;
    pod.metadata.namespace_ = "default";
    pod.metadata.labels = {{"app", "web"}};
    if (owner) {
      pod.metadata.owner_references.push_back(
          api::controller_reference(appsv1::ReplicaSet::desc(), owner->metadata));
    }
    auto& condition = pod.status.conditions.emplace_back();
    condition.type = "Ready";
    condition.status = ready ? "True" : "False";
    api_.put(pod);
    run();
  }
  policyv1::PodDisruptionBudgetStatus status() {
    return api_.get<policyv1::PodDisruptionBudget>({"default", "b"})->status;
  }
};

TEST_F(DisruptionTest, MinAvailableLeavesTheRest) {
  put_budget(api::IntOrString(2), std::nullopt);
  start<DisruptionController>();
  for (const auto* name : {"a", "b", "c"}) put_pod(name, true, nullptr);
  EXPECT_EQ(status().disruptions_allowed, 1);
  EXPECT_EQ(status().desired_healthy, 2);
  EXPECT_EQ(status().conditions.at(0).reason, "SufficientPods");
  put_pod("a", false, nullptr);
  EXPECT_EQ(status().disruptions_allowed, 0);
  EXPECT_EQ(status().conditions.at(0).reason, "InsufficientPods");
}

TEST_F(DisruptionTest, MaxUnavailableCountsWhatTheControllersWant) {
  put_budget(std::nullopt, api::IntOrString("50%"));
  const auto set = put_set(3);
  start<DisruptionController>();
  for (const auto* name : {"a", "b", "c"}) put_pod(name, true, &set);
  EXPECT_EQ(status().expected_pods, 3);
  EXPECT_EQ(status().desired_healthy, 1);  // 50 % of 3 is 2, rounded up
  EXPECT_EQ(status().disruptions_allowed, 2);
}

TEST_F(DisruptionTest, APromisedEvictionCountsUntilItIsOld) {
  put_budget(api::IntOrString(1), std::nullopt);
  start<DisruptionController>();
  put_pod("a", true, nullptr);
  put_pod("b", true, nullptr);
  api_.edit<policyv1::PodDisruptionBudget>({"default", "b"}, [this](auto& budget) {
    budget.status.disrupted_pods["a"] = api::Time::from(executor_.wall());
  });
  run();
  EXPECT_EQ(status().disruptions_allowed, 0);
  advance(std::chrono::seconds(121));
  EXPECT_EQ(status().disruptions_allowed, 1);
}

TEST_F(DisruptionTest, AControllerWithoutSizeFailsTheBudget) {
  put_budget(std::nullopt, api::IntOrString(1));
  appsv1::ReplicaSet gone;
  gone.metadata.name = "gone";
  gone.metadata.uid = "u";
  start<DisruptionController>();
  put_pod("a", true, &gone);
  EXPECT_EQ(status().disruptions_allowed, 0);
  EXPECT_EQ(status().conditions.at(0).reason, "SyncFailed");
}

}  // namespace
}  // namespace kpp::controllers
