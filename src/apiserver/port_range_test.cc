#include "apiserver/port_range.h"

#include <gtest/gtest.h>

namespace kpp::apiserver {
namespace {

TEST(PortRange, BitsAreOfOneNumberWithItsHighestByteFirst) {
  PortRange ports(30000, 32767);
  ports.set(30000, true);
  ports.set(30009, true);
  const auto written = ports.write({});
  EXPECT_EQ(written.range, "30000-32767");
  EXPECT_EQ(written.data, std::string("\x02\x01", 2));
}

TEST(PortRange, WhatIsReadIsWhatWasWritten) {
  PortRange ports(30000, 32767);
  for (const int port : {30000, 30080, 32767}) ports.set(port, true);
  auto again = PortRange::read(ports.write({}), 30000, 32767);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->taken(30000) && again->taken(30080) && again->taken(32767));
  EXPECT_FALSE(again->taken(30001) || again->taken(32766));
  again->set(32767, false);
  again->set(30080, false);
  EXPECT_EQ(again->write({}).data, "\x01");
}

TEST(PortRange, AnotherRangeIsNotTakenForThisOne) {
  const auto written = PortRange(30000, 32767).write({});
  EXPECT_FALSE(PortRange::read(written, 20000, 22767));
}

}  // namespace
}  // namespace kpp::apiserver
