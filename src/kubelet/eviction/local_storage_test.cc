#include "kubelet/eviction/local_storage.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

corev1::Pod pod_with_limit(const std::string& limit) {
  corev1::Pod pod;
  pod.spec.containers.resize(2);
  pod.spec.containers[0].name = "a";
  pod.spec.containers[1].name = "b";
  pod.spec.containers[0].resources.limits["ephemeral-storage"] = api::Quantity(limit);
  return pod;
}

TEST(LocalStorage, OfAPodIsWhatItsContainersAndVolumesUseTogether) {
  corev1::Pod pod = pod_with_limit("2Mi");
  pod.spec.containers[1].resources.limits["ephemeral-storage"] = api::Quantity("2Mi");
  EXPECT_TRUE(limits_local_storage(pod));
  LocalUsage usage;
  usage.containers = {{"a", 2 << 20}, {"b", 2 << 20}};
  EXPECT_EQ(exceeded_storage(pod, usage), std::nullopt);
  usage.containers["b"] += 1;
  EXPECT_EQ(exceeded_storage(pod, usage),
            "Pod ephemeral local storage usage exceeds the total limit of containers 4Mi. ");
}

TEST(LocalStorage, OfOneContainerHasItsOwnLimit) {
  corev1::Pod pod = pod_with_limit("1Mi");
  pod.spec.containers[1].resources.limits["ephemeral-storage"] = api::Quantity("9Mi");
  LocalUsage usage;
  usage.containers = {{"a", (1 << 20) + 1}, {"b", 0}};
  EXPECT_EQ(exceeded_storage(pod, usage),
            "Container a exceeded its local ephemeral storage limit \"1Mi\". ");
}

TEST(LocalStorage, OfADirectoryHasItsOwnLimit) {
  corev1::Pod pod;
  pod.spec.volumes.resize(1);
  pod.spec.volumes[0].name = "v";
  EXPECT_FALSE(limits_local_storage(pod));
  pod.spec.volumes[0].volume_source.empty_dir.emplace().size_limit = api::Quantity("1Mi");
  EXPECT_TRUE(limits_local_storage(pod));
  LocalUsage usage;
  usage.volumes["v"] = (1 << 20) + 1;
  EXPECT_EQ(exceeded_storage(pod, usage),
            "Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\". ");
}

}  // namespace
}  // namespace kpp::kubelet
