#include "linux/cgroups.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/fs.h"
#include "base/ids.h"

namespace kpp::sys {
namespace {

// A directory tree that looks like a cgroup file system: control files exist in every group that a
// test names.
class FakeTree {
 public:
  FakeTree() : root_(cat("/tmp/kpp-cgroup-test-", random_suffix(8))) {
    EXPECT_TRUE(fs::make_directories(root_).ok());
  }
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;
  ~FakeTree() { (void)fs::remove_all(root_); }

  std::string tree(const std::string& name) {
    const std::string path = cat(root_, "/", name);
    EXPECT_TRUE(fs::make_directories(path).ok());
    return path;
  }
  static void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string get(const std::string& path) { return fs::read_file(path).value_or("?"); }

 private:
  std::string root_;
};

TEST(CgroupsV1, NewGroupsTakeOverTheCpuset) {
  FakeTree fake;
  const std::string cpuset = fake.tree("cpuset");
  FakeTree::put(cat(cpuset, "/cpuset.cpus"), "0-1\n");
  FakeTree::put(cat(cpuset, "/cpuset.mems"), "0\n");
  ASSERT_TRUE(fs::make_directories(cat(cpuset, "/kubepods")).ok());
  FakeTree::put(cat(cpuset, "/kubepods/cpuset.cpus"), "\n");
  FakeTree::put(cat(cpuset, "/kubepods/cpuset.mems"), "\n");
  const auto cgroups = Cgroups::v1({{"cpuset", cpuset}, {"cpu", fake.tree("cpu")}});
  ASSERT_TRUE(cgroups.create("/kubepods").ok());
  EXPECT_EQ(FakeTree::get(cat(cpuset, "/kubepods/cpuset.cpus")), "0-1");
  EXPECT_TRUE(cgroups.exists("/kubepods"));
}

TEST(CgroupsV1, LimitsGoToTheirControllers) {
  FakeTree fake;
  const std::string cpu = fake.tree("cpu");
  const std::string memory = fake.tree("memory");
  const auto cgroups = Cgroups::v1({{"cpu", cpu}, {"memory", memory}});
  ASSERT_TRUE(cgroups.create("/a/b").ok());
  for (const char* file : {"cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us"}) {
    FakeTree::put(cat(cpu, "/a/b/", file), "");
  }
  FakeTree::put(cat(memory, "/a/b/memory.limit_in_bytes"), "");
  CgroupLimits limits;
  limits.cpu_shares = 512;
  limits.cpu_quota_us = 50'000;
  limits.memory_bytes = 1 << 20;
  const Status status = cgroups.apply("/a/b", limits);
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(FakeTree::get(cat(cpu, "/a/b/cpu.shares")), "512");
  EXPECT_EQ(FakeTree::get(cat(cpu, "/a/b/cpu.cfs_quota_us")), "50000");
  EXPECT_EQ(FakeTree::get(cat(cpu, "/a/b/cpu.cfs_period_us")), "100000");
  EXPECT_EQ(FakeTree::get(cat(memory, "/a/b/memory.limit_in_bytes")), "1048576");
}

TEST(CgroupsV2, LimitsAreConverted) {
  FakeTree fake;
  const std::string tree = fake.tree("unified");
  const auto cgroups = Cgroups::v2(tree);
  ASSERT_TRUE(cgroups.create("/a").ok());
  for (const char* file : {"cpu.weight", "cpu.max", "memory.max", "pids.max"}) {
    FakeTree::put(cat(tree, "/a/", file), "");
  }
  CgroupLimits limits;
  limits.cpu_shares = 1024;
  limits.cpu_quota_us = -1;
  limits.memory_bytes = -1;
  limits.pids = 100;
  ASSERT_TRUE(cgroups.apply("/a", limits).ok());
  EXPECT_EQ(FakeTree::get(cat(tree, "/a/cpu.weight")), "39");
  EXPECT_EQ(FakeTree::get(cat(tree, "/a/cpu.max")), "max 100000");
  EXPECT_EQ(FakeTree::get(cat(tree, "/a/memory.max")), "max");
  EXPECT_EQ(FakeTree::get(cat(tree, "/a/pids.max")), "100");
}

TEST(CgroupsV2, UsageLeavesOutInactiveFilePages) {
  FakeTree fake;
  const std::string tree = fake.tree("unified");
  const auto cgroups = Cgroups::v2(tree);
  FakeTree::put(cat(tree, "/memory.stat"), "anon 5\ninactive_file 300\n");
  FakeTree::put(cat(tree, "/memory.current"), "1000\n");
  FakeTree::put(cat(tree, "/cpu.stat"), "usage_usec 7\nuser_usec 1\n");
  const auto usage = cgroups.usage("/");
  ASSERT_TRUE(usage) << usage.error().to_string();
  EXPECT_EQ(usage->memory_bytes, 1000U);
  EXPECT_EQ(usage->memory_working_set_bytes, 700U);
  EXPECT_EQ(usage->cpu_ns, 7000U);
}

TEST(Cgroups, RemovingWhatIsNotThereIsFine) {
  FakeTree fake;
  const auto cgroups = Cgroups::v1({{"cpu", fake.tree("cpu")}});
  ASSERT_TRUE(cgroups.create("/x/y/z").ok());
  EXPECT_TRUE(cgroups.remove("/x", std::chrono::milliseconds(0)).ok());
  EXPECT_FALSE(cgroups.exists("/x"));
  EXPECT_TRUE(cgroups.remove("/x", std::chrono::milliseconds(0)).ok());
}

TEST(CpuWeight, FollowsTheFormula) {
  EXPECT_EQ(cpu_weight_from_shares(2), 1);
  EXPECT_EQ(cpu_weight_from_shares(1024), 39);
  EXPECT_EQ(cpu_weight_from_shares(262'144), 10'000);
  EXPECT_EQ(cpu_weight_from_shares(0), 1);
}

TEST(Memberships, ControllersAndPathOfEachTree) {
  const auto all = parse_memberships("4:cpu,cpuacct:/user\n1:name=systemd:/\n0::/init\n");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].controllers, (std::vector<std::string>{"cpu", "cpuacct"}));
  EXPECT_EQ(all[0].path, "/user");
  EXPECT_EQ(all[1].controllers, (std::vector<std::string>{"name=systemd"}));
  EXPECT_TRUE(all[2].controllers.empty());
  EXPECT_EQ(all[2].path, "/init");
}

}  // namespace
}  // namespace kpp::sys
