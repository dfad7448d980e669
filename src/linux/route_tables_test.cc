#include "linux/route_tables.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

namespace kpp::sys {
namespace {

TEST(NetlinkRequest, AttributesThatAreWrittenAreRead) {
  NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
  request.add_text(3, "eth0");
  const std::size_t outer = request.open(18);
  request.add_number(1, std::uint32_t{7});
  request.add_ipv4(2, 0x0A000001);
  request.close(outer);
  request.add_number(4, std::uint16_t{9});
  const std::string bytes = std::move(request).take(1);
  const NetlinkAttributes read(
      std::string_view(bytes).substr(sizeof(nlmsghdr) + sizeof(ifinfomsg)));
  EXPECT_EQ(read.text(3), "eth0");
  EXPECT_EQ(read.nested(18).number<std::uint32_t>(1), 7U);
  EXPECT_EQ(read.nested(18).ipv4(2), 0x0A000001U);
  EXPECT_EQ(read.number<std::uint16_t>(4), 9);
  EXPECT_EQ(read.number<std::uint32_t>(4), 0U) << "another size";
  EXPECT_FALSE(read.has(5));
}

TEST(NetlinkAttributes, WhatIsCutShortIsLeftOut) {
  NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
  request.add_number(1, std::uint32_t{7});
  request.add_text(2, "a long name");
  const std::string bytes = std::move(request).take(1);
  const NetlinkAttributes read(
      std::string_view(bytes).substr(sizeof(nlmsghdr) + sizeof(ifinfomsg), 8 + sizeof(nlattr) + 3));
  EXPECT_TRUE(read.has(1));
  EXPECT_FALSE(read.has(2));
}

TEST(MacAddress, IsReadAsItIsWritten) {
  const auto mac = parse_mac_address("c2:00:0a:f4:01:FE");
  ASSERT_TRUE(mac.has_value());
  EXPECT_EQ(mac->to_string(), "c2:00:0a:f4:01:fe");
  for (const char* wrong : {"", "c2:00:0a:f4:01", "c2-00-0a-f4-01-fe", "c2:00:0a:f4:01:f",
                            "zz:00:0a:f4:01:fe", "c2:00:0a:f4:01:fe:00"}) {
    EXPECT_FALSE(parse_mac_address(wrong).has_value()) << wrong;
  }
}

TEST(RouteTables, TheLoopbackLinkIsFoundAndOthersAreNot) {
  auto tables = RouteTables::open();
  ASSERT_TRUE(tables.has_value()) << tables.error().to_string();
  const auto loopback = tables->link("lo");
  ASSERT_TRUE(loopback.has_value()) << loopback.error().to_string();
  EXPECT_EQ(loopback->index, 1);
  const auto missing = tables->link("kpp-none");
  ASSERT_FALSE(missing.has_value());
  EXPECT_TRUE(missing.error().is(Reason::kNotFound)) << missing.error().to_string();
  EXPECT_TRUE(tables->remove_link("kpp-none").ok());
}

}  // namespace
}  // namespace kpp::sys
