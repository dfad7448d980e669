#include "kubelet/container/security.h"

#include <gtest/gtest.h>

#include "kubelet/container/sandbox_config.h"
#include "kubelet/container/sysctls.h"

namespace kpp::kubelet {
namespace {

enum Profile : std::int32_t { kRuntimeDefault = 0, kUnconfined = 1, kLocalhost = 2 };

cri::LinuxContainerSecurityContext secured(const corev1::Pod& pod,
                                           const SeccompOptions& seccomp = {}) {
  auto out = container_security(pod, pod.spec.containers.at(0), {}, seccomp);
  EXPECT_TRUE(out) << out.error().message();
  return *out;
}

corev1::Pod pod_of_one() {
  corev1::Pod out;
  out.spec.containers.emplace_back().name = "c";
  return out;
}

TEST(ContainerSecurity, AnImageWithoutAUserIsRootsImage) {
  corev1::Pod pod = pod_of_one();
  pod.metadata.name = "p";
  pod.spec.security_context.emplace().run_as_non_root = true;
  const auto refusal = [&](const ImageUser& user) -> std::string {
    const auto out = container_security(pod, pod.spec.containers[0], user, {});
    return out ? "" : std::string(out.error().message());
  };
  const std::string root =
      "container has runAsNonRoot and image will run as root (pod: \"p_()\", container: c)";
  EXPECT_EQ(refusal({}), root);
  EXPECT_EQ(refusal({.uid = 0}), root);
  EXPECT_EQ(refusal({.uid = 1000}), "");
  EXPECT_EQ(
      refusal({.username = "www"}),
      "container has runAsNonRoot and image has non-numeric user (www), cannot verify user is "
      "non-root (pod: \"p_()\", container: c)");
  pod.spec.containers[0].security_context.emplace().run_as_user = 1000;
  EXPECT_EQ(refusal({}), "");
}

TEST(ContainerSecurity, WhoNamesNoSeccompProfileHasTheNodesDefault) {
  corev1::Pod pod = pod_of_one();
  EXPECT_EQ(secured(pod).seccomp->profile_type, kUnconfined);
  EXPECT_EQ(secured(pod, {.directory = "/s", .runtime_default = true}).seccomp->profile_type,
            kRuntimeDefault);
  auto& own = pod.spec.containers[0].security_context.emplace();
  own.seccomp_profile.emplace().type = "Unconfined";
  EXPECT_EQ(secured(pod, {.directory = "/s", .runtime_default = true}).seccomp->profile_type,
            kUnconfined);
  own.seccomp_profile->type = "Localhost";
  own.seccomp_profile->localhost_profile = "a.json";
  const auto local = secured(pod, {.directory = "/s", .runtime_default = true});
  EXPECT_EQ(local.seccomp->profile_type, kLocalhost);
  EXPECT_EQ(local.seccomp->localhost_ref, "/s/a.json");
}

TEST(ContainerSecurity, APrivilegedContainerIsNotConfinedByTheDefault) {
  corev1::Pod pod = pod_of_one();
  pod.spec.containers[0].security_context.emplace().privileged = true;
  const auto out = secured(pod, {.directory = "/s", .runtime_default = true});
  EXPECT_TRUE(out.privileged);
  EXPECT_EQ(out.seccomp->profile_type, kUnconfined);
  EXPECT_TRUE(out.masked_paths.empty());
}

TEST(ContainerSecurity, AnUnmaskedProcHidesNothing) {
  corev1::Pod pod = pod_of_one();
  EXPECT_FALSE(secured(pod).masked_paths.empty());
  EXPECT_FALSE(secured(pod).readonly_paths.empty());
  pod.spec.containers[0].security_context.emplace().proc_mount = "Unmasked";
  EXPECT_TRUE(secured(pod).masked_paths.empty());
  EXPECT_TRUE(secured(pod).readonly_paths.empty());
}

TEST(ContainerSecurity, TheContainersWordGoesBeforeThePods) {
  corev1::Pod pod = pod_of_one();
  auto& whole = pod.spec.security_context.emplace();
  whole.run_as_user = 1000;
  whole.run_as_group = 2000;
  whole.fs_group = 3000;
  whole.supplemental_groups = {4000};
  whole.supplemental_groups_policy = "Strict";
  auto& own = pod.spec.containers[0].security_context.emplace();
  own.run_as_user = 1001;
  own.allow_privilege_escalation = false;
  const auto out = secured(pod);
  EXPECT_EQ(out.run_as_user->value, 1001);
  EXPECT_EQ(out.run_as_group->value, 2000);
  EXPECT_EQ(out.supplemental_groups, (std::vector<std::int64_t>{4000, 3000}));
  EXPECT_EQ(out.supplemental_groups_policy, cri::Strict);
  EXPECT_TRUE(out.no_new_privs);
}

TEST(Sysctls, SlashesBecomeDotsAndPatternsEndInAStar) {
  EXPECT_EQ(dotted_sysctl("net/ipv4/conf/eth0.1/rp_filter"), "net.ipv4.conf.eth0/1.rp_filter");
  EXPECT_EQ(dotted_sysctl("net.ipv4.ip_forward"), "net.ipv4.ip_forward");
  const std::vector<std::string> patterns = {"kernel.msg*", "net/core/somaxconn"};
  EXPECT_TRUE(sysctl_listed("kernel.msgmax", patterns));
  EXPECT_TRUE(sysctl_listed("net.core.somaxconn", patterns));
  EXPECT_FALSE(sysctl_listed("net.core.somaxconn2", patterns));
}

TEST(SandboxConfig, SysctlsHaveDotsAndSidecarsTheirHostPorts) {
  corev1::Pod pod = pod_of_one();
  auto& sysctl = pod.spec.security_context.emplace().sysctls.emplace_back();
  sysctl.name = "kernel/shm_rmid_forced";
  sysctl.value = "1";
  auto& sidecar = pod.spec.init_containers.emplace_back();
  sidecar.name = "s";
  sidecar.restart_policy = "Always";
  auto& port = sidecar.ports.emplace_back();
  port.container_port = 80;
  port.host_port = 8080;
  pod.spec.init_containers.push_back(sidecar);
  pod.spec.init_containers[1].restart_policy.reset();
  const KubeletOptions options;
  const ResolvConf dns;
  const auto out = sandbox_config({pod, options, dns, 0, "/kubepods"});
  EXPECT_EQ(out.linux->sysctls,
            (std::map<std::string, std::string>{{"kernel.shm_rmid_forced", "1"}}));
  ASSERT_EQ(out.port_mappings.size(), 1U);
  EXPECT_EQ(out.port_mappings[0].host_port, 8080);
}

}  // namespace
}  // namespace kpp::kubelet
