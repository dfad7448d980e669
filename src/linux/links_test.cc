#include "linux/links.h"

#include <gtest/gtest.h>

namespace kpp::sys {
namespace {

TEST(Ipv4Network, ParsesAndClearsHostBits) {
  EXPECT_EQ(parse_ipv4_network("10.199.3.7/30")->to_string(), "10.199.3.4/30");
  EXPECT_EQ(parse_ipv4_network("192.0.2.1")->to_string(), "192.0.2.1/32");
  EXPECT_EQ(parse_ipv4_network("default")->to_string(), "0.0.0.0/0");
  for (const char* bad :
       {"", "10", "10.0.0", "10.0.0.256", "10.0.0.1/33", "10.0.0.1/", "a.b.c.d"}) {
    EXPECT_FALSE(parse_ipv4_network(bad)) << bad;
  }
}

TEST(Ipv4Network, OverlapIsSymmetric) {
  const auto wide = *parse_ipv4_network("10.0.0.0/8");
  const auto narrow = *parse_ipv4_network("10.199.0.0/30");
  const auto other = *parse_ipv4_network("10.199.0.4/30");
  EXPECT_TRUE(wide.overlaps(narrow));
  EXPECT_TRUE(narrow.overlaps(wide));
  EXPECT_FALSE(narrow.overlaps(other));
  EXPECT_EQ(narrow.host(2), "10.199.0.2");
}

TEST(ParseRoutes, TypesAndDefaultAreSeenThrough) {
  const auto networks = parse_routes(
      "default via 192.0.2.1 dev eth0\n"
      "192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2\n"
      "local 127.0.0.0/8 dev lo table local\n"
      "broadcast 192.0.2.255 dev eth0 table local\n");
  ASSERT_EQ(networks.size(), 3U);
  EXPECT_EQ(networks[0].to_string(), "192.0.2.0/24");
  EXPECT_EQ(networks[1].to_string(), "127.0.0.0/8");
  EXPECT_EQ(networks[2].to_string(), "192.0.2.255/32");
}

TEST(Links, LoopbackExistsAndDeletingNothingIsFine) {
  EXPECT_TRUE(link_exists("lo"));
  EXPECT_FALSE(link_exists("kppnone0"));
  EXPECT_TRUE(delete_link("kppnone0").ok());
}

}  // namespace
}  // namespace kpp::sys
