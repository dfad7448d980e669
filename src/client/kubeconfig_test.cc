#include "client/kubeconfig.h"

#include <gtest/gtest.h>

namespace kpp::client {
namespace {

TEST(Kubeconfig, WhatIsWrittenIsReadBack) {
  Kubeconfig config;
  config.clusters.push_back({"c", "https://127.0.0.1:6443", "CA", "", false});
  config.users.push_back({"u", "CERT", "KEY", "", ""});
  config.contexts.push_back({"x", "c", "u", "blue"});
  config.current_context = "x";
  const auto read = parse_kubeconfig(write_kubeconfig(config), "");
  ASSERT_TRUE(read.has_value()) << read.error().to_string();
  EXPECT_EQ(read->current_context, "x");
  EXPECT_EQ(read->context("x")->namespace_, "blue");
  EXPECT_EQ(read->cluster("c")->server, "https://127.0.0.1:6443");
  EXPECT_EQ(read->cluster("c")->ca_pem, "CA");
  EXPECT_EQ(read->user("u")->key_pem, "KEY");
  EXPECT_EQ(read->user("nobody"), nullptr);
}

TEST(Kubeconfig, ATokenFileIsNamedNotRead) {
  const auto read = parse_kubeconfig(
      "users: [{name: u, user: {token: old, tokenFile: account/token}}]", "/etc/x");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->user("u")->token_file, "/etc/x/account/token");
  EXPECT_EQ(read->user("u")->token, "");
  const auto again = parse_kubeconfig(write_kubeconfig(*read), "");
  EXPECT_EQ(again->user("u")->token_file, "/etc/x/account/token");
}

TEST(Kubeconfig, AMissingFileAndBadDataAreRefused) {
  EXPECT_FALSE(
      parse_kubeconfig("clusters: [{name: c, cluster: {certificate-authority: /nowhere/ca}}]", ""));
  EXPECT_FALSE(parse_kubeconfig("users: [{name: u, user: {client-key-data: '!!'}}]", ""));
  EXPECT_FALSE(parse_kubeconfig("[]", ""));
}

}  // namespace
}  // namespace kpp::client
