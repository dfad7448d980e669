#include "apiserver/audit/policy.h"

#include <gtest/gtest.h>

namespace kpp::apiserver {
namespace {

constexpr std::string_view kPolicy = R"(
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:kube-proxy"]
  verbs: [watch]
  resources:
  - group: ""
    resources: [endpoints, services]
- level: None
  nonResourceURLs: ["/healthz*", /version]
- level: Request
  namespaces: [kube-system]
  resources:
  - group: ""
    resources: [configmaps]
    resourceNames: [a]
- level: RequestResponse
  resources:
  - group: apps
  - group: ""
    resources: ["pods/*"]
  omitStages: [ResponseStarted]
- level: Metadata
  userGroups: ["system:authenticated"]
)";

User somebody(std::string name) {
  User out;
  out.name = std::move(name);
  out.groups = {"system:authenticated"};
  return out;
}

AccessRequest access(std::string verb, std::string group, std::string resource,
                     std::string sub = {}, std::string ns = {}, std::string name = {}) {
  AccessRequest out;
  out.verb = std::move(verb);
  out.group = std::move(group);
  out.resource = std::move(resource);
  out.subresource = std::move(sub);
  out.namespace_ = std::move(ns);
  out.name = std::move(name);
  return out;
}

AccessRequest path(std::string of) {
  AccessRequest out;
  out.verb = "get";
  out.is_resource = false;
  out.path = std::move(of);
  return out;
}

AuditLevel level(const User& user, const AccessRequest& of) {
  static const AuditPolicy kParsed = std::move(*AuditPolicy::parse(kPolicy));
  return kParsed.decide(user, of).level;
}

TEST(AuditPolicy, TheFirstRuleThatMatchesDecides) {
  const User proxy = somebody("system:kube-proxy");
  EXPECT_EQ(level(proxy, access("watch", "", "services")), AuditLevel::kNone);
  EXPECT_EQ(level(proxy, access("list", "", "services")), AuditLevel::kMetadata);
  EXPECT_EQ(level(somebody("bob"), access("watch", "", "services")), AuditLevel::kMetadata);
}

TEST(AuditPolicy, ResourcesAreNamedWithTheirSubresources) {
  const User bob = somebody("bob");
  EXPECT_EQ(level(bob, access("get", "apps", "deployments", "scale")),
            AuditLevel::kRequestResponse);
  EXPECT_EQ(level(bob, access("create", "", "pods", "exec")), AuditLevel::kRequestResponse);
  EXPECT_EQ(level(bob, access("create", "", "services", "proxy")), AuditLevel::kMetadata);
  EXPECT_EQ(level(bob, access("update", "", "configmaps", "", "kube-system", "a")),
            AuditLevel::kRequest);
  EXPECT_EQ(level(bob, access("update", "", "configmaps", "", "kube-system", "b")),
            AuditLevel::kMetadata);
  EXPECT_EQ(level(bob, access("update", "", "configmaps", "", "default", "a")),
            AuditLevel::kMetadata);
}

TEST(AuditPolicy, PathsMayEndWithAStar) {
  const User bob = somebody("bob");
  EXPECT_EQ(level(bob, path("/healthz/etcd")), AuditLevel::kNone);
  EXPECT_EQ(level(bob, path("/version")), AuditLevel::kNone);
  EXPECT_EQ(level(bob, path("/version/x")), AuditLevel::kMetadata);
}

TEST(AuditPolicy, WhatNoRuleMatchesIsNotWrittenDown) {
  EXPECT_EQ(level(User(), access("get", "", "nodes")), AuditLevel::kNone);
}

TEST(AuditPolicy, StagesOfThePolicyAndOfTheRuleAreLeftOut) {
  const auto policy = AuditPolicy::parse(kPolicy);
  ASSERT_TRUE(policy);
  const auto decision = policy->decide(somebody("bob"), access("get", "apps", "deployments"));
  EXPECT_FALSE(decision.writes(AuditStage::kRequestReceived));
  EXPECT_FALSE(decision.writes(AuditStage::kResponseStarted));
  EXPECT_TRUE(decision.writes(AuditStage::kResponseComplete));
}

TEST(AuditPolicy, MistakesNameTheField) {
  const auto error = [](std::string_view rules) {
    const auto parsed =
        AuditPolicy::parse(cat("apiVersion: audit.k8s.io/v1\nkind: Policy\n", rules));
    return parsed ? std::string("parsed") : parsed.error().message();
  };
  EXPECT_EQ(error("rules: []"), "loaded illegal policy with 0 rules");
  EXPECT_EQ(error("rules: [{}]"), "rules[0].level: Required value");
  EXPECT_NE(error("rules: [{level: All}]").find("rules[0].level: Unsupported value: \"All\""),
            std::string::npos);
  EXPECT_NE(error("rules: [{level: None, omitStages: [Never]}]").find("rules[0].omitStages"),
            std::string::npos);
  EXPECT_NE(error("rules: [{level: None, nonResourceURLs: [/a], namespaces: [b]}]")
                .find("rules[0].nonResourceURLs"),
            std::string::npos);
  EXPECT_NE(error("rules: [{level: None, users: bob}]").find("rules[0].users"), std::string::npos);
  EXPECT_FALSE(AuditPolicy::parse("kind: Policy\napiVersion: v1\nrules: [{level: None}]"));
}

}  // namespace
}  // namespace kpp::apiserver
