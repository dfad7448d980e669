#include <gtest/gtest.h>

#include "kubelet/cgroups/cgroup_names.h"
#include "kubelet/cgroups/pod_cgroups.h"
#include "kubelet/cgroups/systemd_slices.h"

namespace kpp::kubelet {
namespace {

TEST(CgroupNames, BothDriversNameThePodsGroup) {
  const CgroupName pod = {"kubepods", "burstable", "pod12-34"};
  EXPECT_EQ(cgroupfs_path(pod), "/kubepods/burstable/pod12-34");
  EXPECT_EQ(systemd_path(pod),
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_34.slice");
  EXPECT_EQ(systemd_unit(pod), "kubepods-burstable-pod12_34.slice");
  EXPECT_EQ(cgroup_name("/a//b/"), (CgroupName{"a", "b"}));
  EXPECT_EQ(cgroupfs_path(cgroup_name("/")), "/");
  EXPECT_EQ(systemd_unit({}), "-.slice");
}

TEST(SystemdSlices, LimitsBecomePropertiesOfTheVersion) {
  sys::CgroupLimits limits;
  limits.cpu_shares = 1024;
  limits.cpu_quota_us = 12'345;
  limits.memory_bytes = 1 << 20;
  limits.pids = 100;
  const auto two = slice_commands("a.slice", limits, sys::CgroupVersion::kV2);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0], (Command{"systemctl", "start", "a.slice"}));
  EXPECT_EQ(two[1],
            (Command{"systemctl", "--runtime", "set-property", "a.slice", "CPUAccounting=yes",
                     "MemoryAccounting=yes", "TasksAccounting=yes", "CPUWeight=39",
                     "CPUQuota=12.34%", "MemoryMax=1048576", "TasksMax=100"}));
  const auto one = slice_commands("a.slice", limits, sys::CgroupVersion::kV1);
  EXPECT_EQ(one[1][7], "CPUShares=1024");
  EXPECT_EQ(one[1][9], "MemoryLimit=1048576");
}

TEST(SystemdSlices, NoLimitIsSaidToo) {
  sys::CgroupLimits limits;
  limits.cpu_quota_us = -1;
  limits.memory_bytes = -1;
  const auto words = slice_commands("a.slice", limits, sys::CgroupVersion::kV2).back();
  EXPECT_EQ(words[7], "CPUQuota=");
  EXPECT_EQ(words[8], "MemoryMax=infinity");
}

TEST(PodCgroups, TheDriverDecidesTheParentThatTheRuntimeIsTold) {
  async::ManualExecutor executor;
  async::ThreadPool pool(1);
  KubeletOptions options;
  corev1::Pod pod;
  pod.metadata.uid = "12-34";
  EXPECT_EQ(PodCgroups(executor, pool, options).parent_of(pod), "/kubepods/besteffort/pod12-34");
  options.systemd_cgroups = true;
  options.cgroup_root = "/lab";
  EXPECT_EQ(PodCgroups(executor, pool, options).parent_of(pod),
            "/lab.slice/lab-kubepods.slice/lab-kubepods-besteffort.slice/"
            "lab-kubepods-besteffort-pod12_34.slice");
}

TEST(PodCgroups, AllPodsAreHeldToWhatIsAllocatable) {
  const auto limits = limits_of_pods({{"cpu", api::Quantity("1900m")},
                                      {"memory", api::Quantity("1Gi")},
                                      {"pods", api::Quantity("110")}});
  EXPECT_EQ(limits.cpu_shares, 1945);
  EXPECT_EQ(limits.memory_bytes, std::int64_t{1} << 30);
  EXPECT_FALSE(limits.pids);
}

}  // namespace
}  // namespace kpp::kubelet
