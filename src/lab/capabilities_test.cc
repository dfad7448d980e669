#include "lab/capabilities.h"

#include <gtest/gtest.h>

namespace kpp::lab {
namespace {

TEST(MissingCapabilities, AreTheKernelsThatTheBoundingSetLacks) {
  const std::string_view all_but_one = "CapEff:\t0\nCapBnd:\t000001fffeffffff\nCapAmb:\t0\n";
  EXPECT_EQ(missing_capabilities(all_but_one, 40), std::vector<std::string>{"CAP_SYS_RESOURCE"});
  EXPECT_TRUE(missing_capabilities("CapBnd:\t000001ffffffffff\n", 40).empty());
  // What the kernel does not know cannot be missing.
  EXPECT_TRUE(missing_capabilities("CapBnd:\t0000003fffffffff\n", 37).empty());
  EXPECT_EQ(missing_capabilities("CapBnd:\t0000003fffffffff\n", 38),
            std::vector<std::string>{"CAP_PERFMON"});
}

TEST(MissingCapabilities, AreNoneWhereNothingIsSaid) {
  EXPECT_TRUE(missing_capabilities("", 40).empty());
  EXPECT_TRUE(missing_capabilities("CapBnd:\tnothing\n", 40).empty());
}

}  // namespace
}  // namespace kpp::lab
