#include "apiserver/auth/bootstrap_tokens.h"

#include <gtest/gtest.h>

#include "codec/base64.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kToken = "abcdef.0123456789abcdef";
const WallTime kNow{std::chrono::seconds(1'800'000'000)};  // 2027-01-15T08:00:00Z

json::Value a_secret() {
  const auto text = [](std::string_view t) { return json::Value(base64_encode(t)); };
  return json::Object{
      {"metadata", json::Object{{"name", "bootstrap-token-abcdef"}}},
      {"type", "bootstrap.kubernetes.io/token"},
      {"data", json::Object{{"token-id", text("abcdef")},
                            {"token-secret", text("0123456789abcdef")},
                            {"expiration", text("2027-01-15T09:00:00Z")},
                            {"usage-bootstrap-authentication", text("true")},
                            {"auth-extra-groups",
                             text("system:bootstrappers:kubeadm:default-node-token")}}}};
}

TEST(BootstrapTokens, GoodOneIsAUserWithItsGroups) {
  const auto user = user_of_bootstrap_token(kToken, a_secret(), kNow);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "system:bootstrap:abcdef");
  EXPECT_EQ(user->groups,
            (std::vector<std::string>{"system:bootstrappers",
                                      "system:bootstrappers:kubeadm:default-node-token"}));
}

TEST(BootstrapTokens, WhatIsWrongWithTheSecretMakesItWorthless) {
  const struct {
    const char* name;
    const char* key;
    const char* value;
  } rows[] = {
      {"other secret", "token-secret", "ffffffffffffffff"},
      {"other id", "token-id", "fedcba"},
      {"expired", "expiration", "2027-01-15T07:59:59Z"},
      {"no date", "expiration", "tomorrow"},
      {"for signing alone", "usage-bootstrap-authentication", "false"},
      {"group of others", "auth-extra-groups", "system:masters"},
      {"group without a name", "auth-extra-groups", "system:bootstrappers:"},
  };
  for (const auto& row : rows) {
    json::Value secret = a_secret();
    secret.at("data").get_object()[row.key] = base64_encode(row.value);
    EXPECT_FALSE(user_of_bootstrap_token(kToken, secret, kNow)) << row.name;
  }
  json::Value secret = a_secret();
  secret.get_object()["type"] = "Opaque";
  EXPECT_FALSE(user_of_bootstrap_token(kToken, secret, kNow));
  secret = a_secret();
  secret.at("metadata").get_object()["deletionTimestamp"] = "2027-01-15T08:00:00Z";
  EXPECT_FALSE(user_of_bootstrap_token(kToken, secret, kNow));
}

TEST(BootstrapTokens, OnlyTextsOfTheFormNameASecret) {
  EXPECT_EQ(bootstrap_secret_name(kToken), "bootstrap-token-abcdef");
  for (const char* text : {"", "abcdef", "abcdef.0123456789abcde", "ABCDEF.0123456789abcdef",
                           "abcdef.0123456789abc/ef", "../../.0123456789abcdef"}) {
    EXPECT_EQ(bootstrap_secret_name(text), "") << text;
  }
}

}  // namespace
}  // namespace kpp::apiserver
