#include "api/defaults/defaults.h"

#include <gtest/gtest.h>

#include "api/appsv1.h"
#include "api/autoscalingv2.h"
#include "api/corev1.h"
#include "api/json_codec.h"

namespace kpp::api {
namespace {

template <class T>
std::string defaulted(std::string_view text) {
  auto object = parse_json<T>(text);
  if (!object) return object.error().message();
  apply_defaults(*object);
  return to_json(*object);
}

TEST(Defaults, PodsGetPoliciesAndRequests) {
  EXPECT_EQ(
      defaulted<corev1::Pod>(
          R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"img:1","ports":[{"containerPort":80}],)"
          R"("resources":{"limits":{"cpu":0.25,"memory":"1024Mi"}}}]}})"),
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"img:1",)"
      R"("ports":[{"containerPort":80,"protocol":"TCP"}],)"
      R"("resources":{"limits":{"cpu":"250m","memory":"1Gi"},"requests":{"cpu":"250m","memory":"1Gi"}},)"
      R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",)"
      R"("imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,)"
      R"("dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler",)"
      R"("enableServiceLinks":true},"status":{}})");
}

TEST(Defaults, ScalingPoliciesThatWereSentAsNoneAreNotFilledIn) {
  autoscalingv2::HorizontalPodAutoscaler object;
  object.spec.behavior.emplace();
  const std::vector<std::string> sent_empty{"spec.behavior.scaleUp.policies"};
  apply_defaults(object.desc(), &object, sent_empty);
  EXPECT_TRUE(object.spec.behavior->scale_up->policies.empty());
  EXPECT_EQ(object.spec.behavior->scale_down->policies.size(), 1U);
  apply_defaults(object);
  EXPECT_EQ(object.spec.behavior->scale_up->policies.size(), 2U);
}

TEST(Defaults, DeploymentsRoll) {
  const auto text = defaulted<appsv1::Deployment>(
      R"({"spec":{"template":{"spec":{"containers":[{"image":"a/b"}]}}}})");
  EXPECT_NE(
      text.find(
          R"("strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}})"),
      std::string::npos);
  EXPECT_NE(text.find(R"("imagePullPolicy":"Always")"), std::string::npos);
  EXPECT_EQ(text.find("enableServiceLinks"), std::string::npos);
}

TEST(Defaults, DefaultingTwiceChangesNothing) {
  const auto once =
      defaulted<corev1::Service>(R"({"spec":{"type":"LoadBalancer","ports":[{"port":80}]}})");
  EXPECT_EQ(defaulted<corev1::Service>(once), once);
  EXPECT_NE(once.find(R"("targetPort":80)"), std::string::npos);
}

TEST(Defaults, VolumesWithoutSourceAreEmptyDirectories) {
  const auto text = defaulted<corev1::Pod>(
      R"({"spec":{"volumes":[{"name":"a"},{"name":"b","hostPath":{"path":"/x"}}]}})");
  EXPECT_NE(
      text.find(R"({"name":"a","emptyDir":{}},{"name":"b","hostPath":{"path":"/x","type":""}})"),
      std::string::npos);
}

}  // namespace
}  // namespace kpp::api
