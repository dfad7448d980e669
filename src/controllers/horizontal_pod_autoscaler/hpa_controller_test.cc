#include "controllers/horizontal_pod_autoscaler/hpa_controller.h"

#include "api/appsv1.h"
#include "controllers/horizontal_pod_autoscaler/pod_metrics.h"
#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class AutoscalerTest : public testing::ControllerTest {
 protected:
  void put_target(std::int32_t replicas) {
    appsv1::Deployment target;
    target.metadata.namespace_ = "default";
    target.metadata.name = "web";
    target.spec.replicas = replicas;
    target.spec.selector.ensure().match_labels = {{"app", "web"}};
    api_.put(target);
  }
  void put_autoscaler(std::int32_t least, std::int32_t most) {
    autoscalingv2::HorizontalPodAutoscaler hpa;
    hpa.metadata.namespace_ = "default";
    hpa.metadata.name = "web";
    hpa.metadata.generation = 1;
    hpa.spec.scale_target_ref.kind = "Deployment";
    hpa.spec.scale_target_ref.api_version = "apps/v1";
    hpa.spec.scale_target_ref.name = "web";
    hpa.spec.min_replicas = least;
    hpa.spec.max_replicas = most;
    auto& metric = hpa.spec.metrics.emplace_back();
    metric.type = "Resource";
    metric.resource.ensure().name = "cpu";
    metric.resource->target.type = "Utilization";
    metric.resource->target.average_utilization = 80;
    api_.put(hpa);
  }
  std::int32_t replicas() {
    return *api_.get<appsv1::Deployment>({"default", "web"})->spec.replicas;
  }
  std::string condition(const std::string& type) {
    const auto hpa = api_.get<autoscalingv2::HorizontalPodAutoscaler>({"default", "web"});
    for (const auto& c : hpa->status.conditions) {
      if (c.type == type) return cat(c.status, " ", c.reason, ": ", c.message);
    }
    return {};
  }
};

TEST_F(AutoscalerTest, ATargetOutOfBoundsIsBroughtInside) {
  put_target(1);
  put_autoscaler(2, 5);
  start<HorizontalPodAutoscalerController>();
  EXPECT_EQ(replicas(), 2);
  EXPECT_EQ(condition("AbleToScale"),
            "True SucceededRescale: the HPA controller was able to update the target scale to 2");
  const auto all = events();
  EXPECT_EQ(all, std::vector<std::string>{
                     "Normal SuccessfulRescale HorizontalPodAutoscaler/web: New size: 2; reason: "
                     "Current number of replicas below Spec.MinReplicas"});
  put_target(9);
  advance(std::chrono::seconds(16));
  EXPECT_EQ(replicas(), 5);
}

TEST_F(AutoscalerTest, WithoutAServerOfMetricsItSaysSo) {
  put_target(2);
  put_autoscaler(1, 5);
  start<HorizontalPodAutoscalerController>();
  EXPECT_EQ(replicas(), 2);
  EXPECT_EQ(
      condition("ScalingActive"),
      "False FailedGetResourceMetric: the HPA was unable to compute the replica count: "
      "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch "
      "metrics from resource metrics API: the server could not find the requested resource "
      "(get pods.metrics.k8s.io)");
  const auto all = events();
  EXPECT_NE(std::find(all.begin(), all.end(),
                      "Warning FailedComputeMetricsReplicas HorizontalPodAutoscaler/web: invalid "
                      "metrics (1 invalid out of 1), first error is: failed to get cpu resource "
                      "metric value: failed to get cpu utilization: unable to get metrics for "
                      "resource cpu: unable to fetch metrics from resource metrics API: the server "
                      "could not find the requested resource (get pods.metrics.k8s.io)"),
            all.end());
}

TEST_F(AutoscalerTest, AMissingTargetIsNamed) {
  put_autoscaler(1, 5);
  start<HorizontalPodAutoscalerController>();
  EXPECT_TRUE(condition("AbleToScale")
                  .starts_with("False FailedGetScale: the HPA controller was unable to get the "
                               "target's current scale: deployments.apps \"web\" not found"));
}

class ReplicasForTest : public ::testing::Test {
 protected:
  void add(const std::string& name, std::int64_t used_milli, bool ready = true) {
    auto pod = std::make_shared<corev1::Pod>();
    pod->metadata.name = name;
    pod->status.phase = "Running";
    pod->status.start_time = api::Time::from(now_ - std::chrono::hours(1));
    auto& condition = pod->status.conditions.emplace_back();
    condition.type = "Ready";
    condition.status = ready ? "True" : "False";
    condition.last_transition_time = api::Time::from(now_ - std::chrono::hours(1));
    pod->spec.containers.emplace_back().resources.requests["cpu"] = api::Quantity("100m");
    pods_.push_back(pod);
    if (used_milli >= 0) metrics_[name] = {used_milli, now_};
  }
  std::int32_t replicas(std::int32_t current, std::int32_t target = 50) {
    MetricQuestion question;
    question.resource = "cpu";
    question.current = current;
    question.target_utilization = target;
    const auto verdict = replicas_for(question, pods_, metrics_, now_);
    return verdict ? verdict->replicas : -1;
  }
  WallTime now_{std::chrono::hours(1000)};
  std::vector<std::shared_ptr<const corev1::Pod>> pods_;
  PodMetrics metrics_;
};

TEST_F(ReplicasForTest, TheShareOfWhatWasAskedForDecides) {
  add("a", 100);
  add("b", 80);
  EXPECT_EQ(replicas(2), 4);  // 90 % of what was asked for, 50 wanted
}

TEST_F(ReplicasForTest, ALittleMoreChangesNothing) {
  add("a", 54);
  add("b", 54);
  EXPECT_EQ(replicas(2), 2);
}

TEST_F(ReplicasForTest, WhatIsNotKnownHoldsBack) {
  add("a", 100);
  add("b", -1);
  EXPECT_EQ(replicas(2), 2);  // the other may use nothing: no need to grow
}

TEST(ScalingLimits, GrowthIsDoubledAtMostAndShrinkingWaits) {
  autoscalingv2::HorizontalPodAutoscalerSpec spec;
  spec.max_replicas = 100;
  ScalingHistory history;
  const WallTime now{std::chrono::hours(1000)};
  const Limited up = limit_scaling(spec, 10, 90, history, now);
  EXPECT_EQ(up.replicas, 20);
  EXPECT_EQ(up.reason, "ScaleUpLimit");
  const Limited down = limit_scaling(spec, 20, 1, history, now + std::chrono::seconds(15));
  EXPECT_EQ(down.replicas, 20);
  EXPECT_TRUE(down.stabilized_down);
  const Limited later = limit_scaling(spec, 20, 1, history, now + std::chrono::seconds(700));
  EXPECT_EQ(later.replicas, 1);
}

TEST(PodMetrics, AreReadFromTheList) {
  const std::string body =
      R"({"items":[{"metadata":{"name":"a"},"timestamp":"2026-01-01T00:00:00Z","containers":[)"
      R"({"name":"x","usage":{"cpu":"250m"}},{"name":"y","usage":{"cpu":"1000000n"}}]}]})";
  const auto whole = read_pod_metrics(body, "cpu", "");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->at("a").milli, 251);
  EXPECT_EQ(read_pod_metrics(body, "cpu", "x")->at("a").milli, 250);
  EXPECT_FALSE(read_pod_metrics("[]", "cpu", ""));
  EXPECT_FALSE(read_pod_metrics("{", "cpu", ""));
}

}  // namespace
}  // namespace kpp::controllers
