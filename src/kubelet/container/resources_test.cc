#include "kubelet/container/resources.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

corev1::Container container(const char* cpu, const char* memory, const char* cpu_limit,
                            const char* memory_limit) {
  corev1::Container out;
  if (*cpu) out.resources.requests["cpu"] = api::Quantity(cpu);
  if (*memory) out.resources.requests["memory"] = api::Quantity(memory);
  if (*cpu_limit) out.resources.limits["cpu"] = api::Quantity(cpu_limit);
  if (*memory_limit) out.resources.limits["memory"] = api::Quantity(memory_limit);
  return out;
}

TEST(Resources, SharesAndQuotaAreTheKernels) {
  EXPECT_EQ(cpu_shares(0), 2);
  EXPECT_EQ(cpu_shares(250), 256);
  EXPECT_EQ(cpu_shares(100), 102);
  EXPECT_EQ(cpu_quota_us(0), 0);
  EXPECT_EQ(cpu_quota_us(250), 25000);
  EXPECT_EQ(cpu_quota_us(5), 1000);
}

TEST(Resources, ClassFollowsRequestsAndLimits) {
  corev1::Pod pod;
  pod.spec.containers = {container("", "", "", "")};
  EXPECT_EQ(qos_class(pod), QosClass::kBestEffort);
  pod.spec.containers = {container("100m", "", "", "")};
  EXPECT_EQ(qos_class(pod), QosClass::kBurstable);
  pod.spec.containers = {container("100m", "1Mi", "100m", "1Mi")};
  EXPECT_EQ(qos_class(pod), QosClass::kGuaranteed);
}

TEST(Resources, PodSumsItsContainers) {
  corev1::Pod pod;
  pod.spec.containers = {container("10m", "100M", "1500m", "100M"),
                         container("5m", "20Mi", "5m", "20Mi")};
  const PodResources total = pod_resources(pod);
  EXPECT_EQ(total.limits.at("cpu").text, "1505m");
  EXPECT_EQ(total.requests.at("memory").text, "120971520");
}

TEST(Resources, OomScoreFollowsTheShareOfMemory) {
  corev1::Pod pod;
  pod.spec.containers = {container("10m", "100M", "", "")};
  const std::int64_t capacity = std::int64_t{24} << 30;
  EXPECT_EQ(oom_score_adj(pod, pod.spec.containers[0], capacity), 997);
  pod.spec.containers = {container("10m", "", "", "")};
  EXPECT_EQ(oom_score_adj(pod, pod.spec.containers[0], capacity), 999);
  pod.spec.containers = {container("", "", "", "")};
  EXPECT_EQ(oom_score_adj(pod, pod.spec.containers[0], capacity), 1000);
}

}  // namespace
}  // namespace kpp::kubelet
