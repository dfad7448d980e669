#include "kubelet/volumes/atomic_directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fs.h"

namespace kpp::kubelet {
namespace {

struct AtomicDirectory : ::testing::Test {
  AtomicDirectory() {
    char name[] = "/tmp/kpp-atomic-XXXXXX";
    dir = ::mkdtemp(name);
  }
  ~AtomicDirectory() override { (void)fs::remove_all(dir); }
  std::string dir;
};

TEST_F(AtomicDirectory, FilesChangeTogetherAndOldOnesGo) {
  const WallTime first{std::chrono::seconds(1'700'000'000)};
  ASSERT_TRUE(write_payload(dir, {{"a", {"1"}}, {"sub/b", {"2"}}}, first, std::nullopt).ok());
  EXPECT_EQ(*fs::read_file(dir + "/a"), "1");
  EXPECT_EQ(*fs::read_file(dir + "/sub/b"), "2");
  ASSERT_TRUE(
      write_payload(dir, {{"a", {"3"}}}, first + std::chrono::seconds(1), std::nullopt).ok());
  EXPECT_EQ(*fs::read_file(dir + "/a"), "3");
  EXPECT_FALSE(fs::exists(dir + "/sub"));
  EXPECT_EQ(fs::list(dir)->size(), 3u);  // the data, ..data, a
}

TEST_F(AtomicDirectory, NothingIsWrittenWithoutChange) {
  const WallTime first{std::chrono::seconds(1'700'000'000)};
  const Payload payload{{"a", {"1"}}};
  ASSERT_TRUE(write_payload(dir, payload, first, std::nullopt).ok());
  const auto before = *fs::list(dir);
  ASSERT_TRUE(write_payload(dir, payload, first + std::chrono::seconds(1), std::nullopt).ok());
  EXPECT_EQ(*fs::list(dir), before);
}

}  // namespace
}  // namespace kpp::kubelet
