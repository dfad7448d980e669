#include "linux/mounts.h"

#include <gtest/gtest.h>

namespace kpp::sys {
namespace {

TEST(ParseMountinfo, FieldsOfALine) {
  const auto mounts = parse_mountinfo(
      "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime shared:1 master:2 - ext3 /dev/root "
      "rw,errors=continue\n");
  ASSERT_TRUE(mounts);
  ASSERT_EQ(mounts->size(), 1U);
  const Mount& m = mounts->front();
  EXPECT_EQ(m.id, 36);
  EXPECT_EQ(m.parent, 35);
  EXPECT_EQ(m.root, "/mnt1");
  EXPECT_EQ(m.target, "/mnt 2");
  EXPECT_EQ(m.propagation, "shared:1 master:2");
  EXPECT_EQ(m.type, "ext3");
  EXPECT_EQ(m.source, "/dev/root");
  EXPECT_EQ(m.super_options, "rw,errors=continue");
}

TEST(ParseMountinfo, LineWithoutSeparatorIsCorrupt) {
  const auto mounts = parse_mountinfo("36 35 98:0 / /mnt rw shared:1 ext3 /dev/root rw\n");
  ASSERT_FALSE(mounts);
  EXPECT_TRUE(mounts.error().is(Reason::kCorrupt));
}

TEST(ListMounts, RootIsAMountPoint) {
  const auto root = is_mount_point("/");
  ASSERT_TRUE(root);
  EXPECT_TRUE(*root);
  EXPECT_FALSE(*is_mount_point("/no/such/place"));
}

}  // namespace
}  // namespace kpp::sys
