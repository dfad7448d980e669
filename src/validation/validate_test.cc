#include "validation/validate.h"

#include <gtest/gtest.h>

#include "api/corev1.h"
#include "api/defaults/defaults.h"
#include "api/json_codec.h"

namespace kpp::validation {
namespace {

corev1::Pod pod_of(std::string_view json) {
  auto parsed = api::parse_json<corev1::Pod>(json);
  EXPECT_TRUE(parsed.has_value());
  corev1::Pod pod = parsed ? *parsed : corev1::Pod();
  pod.metadata.namespace_ = "default";
  api::apply_defaults(pod);
  return pod;
}

std::string text_of(const FieldErrors& errors) {
  std::string out;
  for (const FieldError& error : errors.all()) out += cat(error.to_string(), "\n");
  return out;
}

constexpr std::string_view kPod =
    R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i:1"}]}})";

TEST(ValidatePod, ASmallPodIsValid) {
  EXPECT_EQ(text_of(validate_create(api::Object::of(pod_of(kPod)), {})), "");
}

TEST(ValidatePod, ContainersAreRequired) {
  EXPECT_EQ(text_of(validate_create(api::Object::of(pod_of(R"({"metadata":{"name":"p"}})")), {})),
            "spec.containers: Required value\n");
}

TEST(ValidatePod, ImagesMayChangeAndNodesMayNot) {
  const corev1::Pod old = pod_of(kPod);
  corev1::Pod now = old;
  now.spec.containers[0].image = "i:2";
  EXPECT_EQ(text_of(validate_update(api::Object::of(now), api::Object::of(old), {})), "");
  now.spec.node_name = "n";
  const FieldErrors errors = validate_update(api::Object::of(now), api::Object::of(old), {});
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.all()[0].field, "spec");
  EXPECT_NE(errors.all()[0].message.find("@@ -42,7 +42,7 @@\n"), std::string::npos)
      << errors.all()[0].message;
  EXPECT_NE(errors.all()[0].message.find("- \"NodeName\": \"\",\n+ \"NodeName\": \"n\",\n"),
            std::string::npos);
}

TEST(Warnings, NamesOfNewPodsShouldBeLabels) {
  corev1::Pod pod = pod_of(kPod);
  pod.metadata.name = "a.b";
  const auto told = warnings(api::Object::of(pod), nullptr);
  EXPECT_EQ(told,
            std::vector<std::string>{
                "metadata.name: this is used in the Pod's hostname, which can result in surprising "
                "behavior; a DNS label is recommended: [must not contain dots]"});
  const api::Object before = api::Object::of(pod);
  EXPECT_TRUE(warnings(api::Object::of(pod), &before).empty());
}

TEST(Warnings, TermsWithoutSelectorMatchNoPod) {
  corev1::Pod pod = pod_of(kPod);
  auto& affinity = pod.spec.affinity.ensure().pod_anti_affinity.ensure();
  affinity.preferred_during_scheduling_ignored_during_execution.emplace_back();
  EXPECT_EQ(warnings(api::Object::of(pod), nullptr),
            std::vector<std::string>{
                "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]."
                "podAffinityTerm.labelSelector: a null labelSelector results in matching no pod"});
}

TEST(Warnings, RepeatedVariablesAreTold) {
  corev1::Pod pod = pod_of(kPod);
  pod.spec.containers[0].env.resize(2);
  pod.spec.containers[0].env[0].name = pod.spec.containers[0].env[1].name = "A";
  EXPECT_EQ(warnings(api::Object::of(pod), nullptr),
            std::vector<std::string>{"spec.containers[0].env[1]: hides previous definition of "
                                     "\"A\", which may be dropped when using apply"});
}

}  // namespace
}  // namespace kpp::validation
