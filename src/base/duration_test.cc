#include "base/duration.h"

#include <gtest/gtest.h>

namespace kpp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(GoDuration, PartsAreAdded) {
  EXPECT_EQ(parse_go_duration("1h2m3.5s").value(), milliseconds(3'723'500));
  EXPECT_EQ(parse_go_duration("2m0s").value(), seconds(120));
  EXPECT_EQ(parse_go_duration("300ms").value(), milliseconds(300));
  EXPECT_EQ(parse_go_duration("-1.5s").value(), milliseconds(-1500));
  EXPECT_EQ(parse_go_duration("0").value(), Duration::zero());
}

TEST(GoDuration, WhatIsNoneIsRefusedInGosWords) {
  const auto text = [](std::string_view word) { return parse_go_duration(word).error().message(); };
  EXPECT_EQ(text("5x"), "time: invalid duration \"5x\"");
  EXPECT_EQ(text(""), "time: invalid duration \"\"");
  EXPECT_EQ(text("5"), "time: missing unit in duration \"5\"");
  EXPECT_EQ(text("1e3s"), "time: invalid duration \"1e3s\"");
  EXPECT_EQ(text("99999999999h"), "time: invalid duration \"99999999999h\"");
}

}  // namespace
}  // namespace kpp
