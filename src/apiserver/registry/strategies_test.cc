#include <gtest/gtest.h>

#include "api/appsv1.h"
#include "api/certificatesv1.h"
#include "apiserver/flow_control_status.h"
#include "apiserver/handlers/common.h"
#include "apiserver/registry/strategy.h"

namespace kpp::apiserver {
namespace {

using certificatesv1::CertificateSigningRequest;

constexpr WallTime kNow{std::chrono::seconds{1'700'000'000}};

certificatesv1::CertificateSigningRequestCondition condition(std::string type) {
  certificatesv1::CertificateSigningRequestCondition out;
  out.type = std::move(type);
  out.status = "True";
  return out;
}

TEST(CertificateSigningRequestStrategy, ADecisionGetsItsTimes) {
  const User user;
  const CertificateSigningRequest old;
  CertificateSigningRequest now;
  now.status.conditions.push_back(condition("Approved"));
  now.status.certificate = "not the approver's";
  auto object = api::Object::of(now);
  strategy_of(now.desc()).prepare_update(object, api::Object::of(old), {kNow, user, "approval"});
  const auto& status = object.as<CertificateSigningRequest>()->status;
  EXPECT_EQ(status.conditions.at(0).last_update_time.wall(), kNow);
  EXPECT_EQ(status.conditions.at(0).last_transition_time.wall(), kNow);
  EXPECT_EQ(status.certificate, "");
}

TEST(CertificateSigningRequestStrategy, AStatusDoesNotRewriteADecision) {
  const User user;
  CertificateSigningRequest old, now;
  old.status.conditions.push_back(condition("Denied"));
  old.status.conditions[0].message = "why";
  now.status.conditions = {condition("Failed"), condition("Denied")};
  now.status.conditions[1].message = "changed";
  auto object = api::Object::of(now);
  strategy_of(now.desc())
      .prepare_status_update(object, api::Object::of(old), {kNow, user, "status"});
  const auto& kept = object.as<CertificateSigningRequest>()->status.conditions;
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].last_update_time.wall(), kNow);
  EXPECT_EQ(kept[1].message, "why");
}

TEST(DaemonSetStrategy, MetadataAloneIsWithoutTheGenerationOfTheTemplate) {
  const ResourceTable table;
  const auto& served = *table.find("apps", "v1", "daemonsets");
  appsv1::DaemonSet set;
  set.metadata.annotations = {{"deprecated.daemonset.template.generation", "1"}, {"mine", "x"}};
  const auto bare = bare_metadata(served, api::Object::of(set));
  EXPECT_EQ(bare.annotations, (std::map<std::string, std::string>{{"mine", "x"}}));
}

TEST(FlowControlStatus, ASchemaWithoutItsPriorityLevelDangles) {
  flowcontrolv1::FlowSchema schema;
  schema.spec.priority_level_configuration.name = "p";
  EXPECT_EQ(dangling_condition(schema, true, kNow).status, "False");
  const auto lost = dangling_condition(schema, false, kNow);
  EXPECT_EQ(lost.status, "True");
  EXPECT_EQ(lost.message,
            "This FlowSchema references the PriorityLevelConfiguration object named \"p\" but "
            "there is no such object");
}

}  // namespace
}  // namespace kpp::apiserver
