#include "apiserver/handlers/proxy_target.h"

#include <gtest/gtest.h>

namespace kpp::apiserver {
namespace {

TEST(ProxyName, IsANameWithASchemeAndAPortAtWill) {
  const auto name = parse_proxy_name("web");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->name, "web");
  EXPECT_EQ(name->port, "");
  EXPECT_FALSE(name->https);
  const auto port = parse_proxy_name("web:metrics");
  ASSERT_TRUE(port);
  EXPECT_EQ(port->port, "metrics");
  const auto all = parse_proxy_name("https:web:443");
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->https);
  EXPECT_EQ(all->name, "web");
  EXPECT_EQ(all->port, "443");
  const auto no_port = parse_proxy_name("https:web:");
  ASSERT_TRUE(no_port);
  EXPECT_EQ(no_port->port, "");
}

TEST(ProxyName, OtherSchemesAndFormsAreNone) {
  for (const std::string_view text : {"", ":80", "ftp:web:21", "https::443", "a:b:c:d"})
    EXPECT_FALSE(parse_proxy_name(text)) << text;
}

}  // namespace
}  // namespace kpp::apiserver
