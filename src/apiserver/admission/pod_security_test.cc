#include <gtest/gtest.h>

#include "api/json_codec.h"
#include "apiserver/admission/pod_security_checks.h"

namespace kpp::apiserver {
namespace {

std::string violations(SecurityLevel level, std::string_view spec_json) {
  const auto spec = api::parse_json<corev1::PodSpec>(spec_json);
  if (!spec) return spec.error().to_string();
  std::vector<std::string> out;
  for (const auto& v : security_violations(level, {}, *spec))
    out.push_back(cat(v.reason, " (", v.detail, ")"));
  return join(out, ", ");
}

TEST(PodSecurity, AnythingGoesWherePodsArePrivileged) {
  EXPECT_EQ(
      violations(SecurityLevel::kPrivileged, R"({"hostPID":true,"containers":[{"name":"c"}]})"),
      "");
}

TEST(PodSecurity, APlainPodIsOfTheBaseline) {
  EXPECT_EQ(violations(SecurityLevel::kBaseline, R"({"containers":[{"name":"c"}]})"), "");
}

TEST(PodSecurity, TheBaselineKeepsPodsFromTheHost) {
  EXPECT_EQ(
      violations(SecurityLevel::kBaseline,
                 R"({"containers":[{"name":"c","securityContext":{"privileged":true},
                           "ports":[{"containerPort":80,"hostPort":80}]}],"hostNetwork":true,"hostPID":true,
                           "volumes":[{"name":"h","hostPath":{"path":"/"}}]})"),
      "host namespaces (hostNetwork=true, hostPID=true), hostPath volumes (volume \"h\"), hostPort "
      "(container \"c\" uses "
      "hostPort 80), privileged (container \"c\" must not set securityContext.privileged=true)");
}

TEST(PodSecurity, ARestrictedPodSaysSo) {
  EXPECT_EQ(
      violations(SecurityLevel::kRestricted,
                 R"({"containers":[{"name":"c","securityContext":{"allowPrivilegeEscalation":false,
                           "capabilities":{"drop":["ALL"]}}}],
                           "securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}})"),
      "");
  EXPECT_EQ(violations(SecurityLevel::kRestricted, R"({"containers":[{"name":"c"}]})"),
            "allowPrivilegeEscalation != false (container \"c\" must set "
            "securityContext.allowPrivilegeEscalation=false), "
            "unrestricted capabilities (container \"c\" must set "
            "securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != "
            "true (pod or container \"c\" must set securityContext.runAsNonRoot=true), "
            "seccompProfile (pod or container \"c\" "
            "must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")");
}

TEST(PodSecurity, WhatContainersSetIsToldByName) {
  EXPECT_EQ(
      violations(SecurityLevel::kRestricted,
                 R"({"containers":[{"name":"a","securityContext":{"runAsUser":0,
                           "capabilities":{"add":["SYS_ADMIN"],"drop":["ALL"]},"seccompProfile":{"type":"Unconfined"}}},
                           {"name":"b"}],"securityContext":{"sysctls":[{"name":"kernel.msgmax","value":"1"}]},
                           "volumes":[{"name":"n","nfs":{"server":"x","path":"/y"}}]})"),
      "forbidden sysctls (kernel.msgmax), allowPrivilegeEscalation != false (containers \"a\", "
      "\"b\" must set "
      "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"b\" "
      "must set "
      "securityContext.capabilities.drop=[\"ALL\"]; container \"a\" must not include \"SYS_ADMIN\" "
      "in "
      "securityContext.capabilities.add), restricted volume types (volume \"n\" uses restricted "
      "volume type \"nfs\"), "
      "runAsNonRoot != true (pod or containers \"a\", \"b\" must set "
      "securityContext.runAsNonRoot=true), runAsUser=0 "
      "(container \"a\" must not set runAsUser=0), seccompProfile (container \"a\" must not set "
      "securityContext.seccompProfile.type to \"Unconfined\")");
}

}  // namespace
}  // namespace kpp::apiserver
