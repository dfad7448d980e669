#include "dockershim/orphans.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/fs.h"
#include "base/ids.h"

namespace kpp::dockershim {
namespace {

class Orphans : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(fs::remove_all(proc_).ok()); }
  void process(const std::string& pid, const std::string& groups) {
    const std::string directory = cat(proc_, "/", pid);
    ASSERT_TRUE(fs::make_directories(directory).ok());
    ASSERT_TRUE(fs::write_file_atomic(cat(directory, "/cgroup"), groups).ok());
  }
  const std::string proc_ = cat(::testing::TempDir(), "orphans-", random_suffix(6));
};

TEST_F(Orphans, AreThoseInTheContainersControlGroupWhoeverMadeIt) {
  process("7", "4:pids:/kubepods/burstable/podx/abc\n3:cpu:/user\n");
  process("8", "0::/kubepods.slice/kubepods-podx.slice/docker-abc.scope\n");
  process("9", "4:pids:/docker/def\n");
  std::vector<int> found = processes_of("abc", proc_);
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<int>{7, 8}));
}

TEST_F(Orphans, AreContainerdsProcessBesideTheContainerToo) {
  using namespace std::string_literals;
  process("7", "4:pids:/system\n");
  const std::string shim =
      "/usr/bin/containerd-shim-runc-v2\0-namespace\0moby\0-id\0abc\0-address\0x\0"s;
  ASSERT_TRUE(fs::write_file_atomic(cat(proc_, "/7/cmdline"), shim).ok());
  EXPECT_EQ(processes_of("abc", proc_), std::vector<int>{7});
  EXPECT_TRUE(processes_of("ab", proc_).empty());
  EXPECT_TRUE(processes_of("bc", proc_).empty());
}

TEST_F(Orphans, AreNotThoseOfNamesThatOnlyEndAlike) {
  process("7", "4:pids:/docker/xabc\n3:cpu:/docker/abc/below\n");
  process("self", "4:pids:/docker/abc\n");
  process("1", "4:pids:/docker/abc\n");
  EXPECT_TRUE(processes_of("abc", proc_).empty());
  EXPECT_TRUE(processes_of("", proc_).empty());
}

}  // namespace
}  // namespace kpp::dockershim
