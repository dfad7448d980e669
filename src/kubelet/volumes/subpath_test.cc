#include "kubelet/volumes/subpath.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cat.h"
#include "base/fs.h"
#include "kubelet/volumes/ownership.h"

namespace kpp::kubelet {
namespace {

class SubpathTest : public testing::Test {
 protected:
  SubpathTest() {
    char name[] = "/tmp/kpp-subpath-XXXXXX";
    root_ = ::mkdtemp(name);
    EXPECT_TRUE(fs::make_directories(root_ + "/volume", 0755).ok());
    EXPECT_TRUE(fs::make_directories(root_ + "/outside", 0755).ok());
  }
  ~SubpathTest() override { (void)fs::remove_all(root_); }
  std::string volume() const { return root_ + "/volume"; }
  mode_t mode(const std::string& path) const {
    struct stat info{};
    EXPECT_EQ(::stat((root_ + path).c_str(), &info), 0);
    return info.st_mode & 07777U;
  }
  std::string root_;
};

TEST_F(SubpathTest, MissingDirectoriesGetTheModeOfTheVolume) {
  ASSERT_EQ(::chmod(volume().c_str(), 0777), 0);
  ASSERT_TRUE(make_subpath(volume(), "a/./b").ok());
  EXPECT_EQ(mode("/volume/a"), 0777U);
  EXPECT_EQ(mode("/volume/a/b"), 0777U);
}

TEST_F(SubpathTest, ALinkInsideTheVolumeIsFollowed) {
  ASSERT_TRUE(make_subpath(volume(), "data").ok());
  ASSERT_EQ(::symlink("data", (volume() + "/link").c_str()), 0);
  EXPECT_TRUE(make_subpath(volume(), "link/x").ok());
  EXPECT_TRUE(fs::exists(volume() + "/data/x"));
}

TEST_F(SubpathTest, ALinkOutOfTheVolumeIsRefused) {
  ASSERT_EQ(::symlink("../outside", (volume() + "/relative").c_str()), 0);
  ASSERT_EQ(::symlink((root_ + "/outside").c_str(), (volume() + "/absolute").c_str()), 0);
  for (const std::string path : {"relative/x", "absolute/x", "../outside/x"})
    EXPECT_FALSE(make_subpath(volume(), path).ok()) << path;
  for (const std::string path :
       {"relative", "relative/x", "absolute", "absolute/x", "../outside"}) {
    EXPECT_FALSE(bind_subpath(volume(), path, root_ + "/target").ok()) << path;
  }
  EXPECT_FALSE(fs::exists(root_ + "/outside/x"));
}

TEST_F(SubpathTest, ALinkToNothingIsNotMade) {
  ASSERT_EQ(::symlink("nothing", (volume() + "/link").c_str()), 0);
  EXPECT_FALSE(make_subpath(volume(), "link").ok());
}

TEST_F(SubpathTest, AGroupGetsEverythingBelow) {
  if (::geteuid() != 0) GTEST_SKIP() << "gives files away: only root may";
  ASSERT_TRUE(fs::make_directories(volume() + "/a", 0700).ok());
  ASSERT_TRUE(fs::write_file_atomic(volume() + "/a/f", "x", 0600).ok());
  ASSERT_EQ(::symlink("/etc/passwd", (volume() + "/a/link").c_str()), 0);
  ASSERT_TRUE(give_to_group(volume(), 2000, false, false).ok());
  struct stat info{};
  ASSERT_EQ(::stat((volume() + "/a/f").c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, 2000U);
  EXPECT_EQ(mode("/volume/a/f"), 0660U);
  EXPECT_EQ(mode("/volume/a"), 02770U);
  EXPECT_EQ(mode("/volume"), 02775U);
  ASSERT_EQ(::stat("/etc/passwd", &info), 0);
  EXPECT_NE(info.st_gid, 2000U);
}

TEST_F(SubpathTest, ARightRootSparesTheWalk) {
  if (::geteuid() != 0) GTEST_SKIP() << "gives files away: only root may";
  ASSERT_TRUE(give_to_group(volume(), 2000, false, true).ok());
  ASSERT_TRUE(fs::write_file_atomic(volume() + "/f", "x", 0600).ok());
  ASSERT_TRUE(give_to_group(volume(), 2000, false, true).ok());
  EXPECT_EQ(mode("/volume/f"), 0600U);
  ASSERT_TRUE(give_to_group(volume(), 2000, false, false).ok());
  EXPECT_EQ(mode("/volume/f"), 0660U);
}

}  // namespace
}  // namespace kpp::kubelet
