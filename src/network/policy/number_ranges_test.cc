#include "network/policy/number_ranges.h"

#include <gtest/gtest.h>

namespace kpp::network {
namespace {

using Ranges = std::vector<NumberRange>;

TEST(NumberRanges, RangesThatTouchAreOne) {
  NumberRanges ranges;
  ranges.add({80, 80});
  ranges.add({90, 99});
  ranges.add({81, 89});
  EXPECT_EQ(ranges.ranges(), (Ranges{{80, 99}}));
  ranges.add({10, 20});
  EXPECT_EQ(ranges.ranges(), (Ranges{{10, 20}, {80, 99}}));
  ranges.add({0, 0xFFFFFFFF});
  EXPECT_EQ(ranges.ranges(), (Ranges{{0, 0xFFFFFFFF}}));
}

TEST(NumberRanges, WhatIsTakenOutLeavesTwoParts) {
  NumberRanges ranges;
  ranges.add({0, 0xFFFFFFFF});
  ranges.remove({100, 199});
  EXPECT_EQ(ranges.ranges(), (Ranges{{0, 99}, {200, 0xFFFFFFFF}}));
  ranges.remove({0, 99});
  EXPECT_EQ(ranges.ranges(), (Ranges{{200, 0xFFFFFFFF}}));
  ranges.remove({150, 0xFFFFFFFF});
  EXPECT_TRUE(ranges.empty());
}

TEST(NumberRanges, ARangeThatEndsBeforeItBeginsIsNothing) {
  NumberRanges ranges;
  ranges.add({90, 80});
  EXPECT_TRUE(ranges.empty());
  ranges.add({80, 90});
  ranges.remove({90, 80});
  EXPECT_EQ(ranges.ranges(), (Ranges{{80, 90}}));
}

}  // namespace
}  // namespace kpp::network
