#include "kubeadm/tokens.h"

#include <gtest/gtest.h>

namespace kpp::kubeadm {
namespace {

TEST(Tokens, GeneratedOnesHaveTheFormAndDiffer) {
  const std::string one = generate_token();
  EXPECT_TRUE(check_token(one).ok()) << one;
  EXPECT_NE(one, generate_token());
}

TEST(Tokens, OtherFormsAreRefused) {
  for (const char* text : {"", "abc", "abcdef.0123456789ABCDEF", "abcdef-0123456789abcdef",
                           "abcdef.0123456789abcdef0", "abcde.f0123456789abcdef"}) {
    EXPECT_FALSE(check_token(text).ok()) << text;
  }
}

TEST(Tokens, ListSaysWhatTheSecretHolds) {
  const WallTime now{std::chrono::seconds(1'800'000'000)};
  BootstrapToken token;
  token.token = "abcdef.0123456789abcdef";
  token.description = "for class2";
  const auto listed = read_token_secret(json::Value(token_secret_document(token, now)),
                                        now + std::chrono::minutes(30));
  ASSERT_TRUE(listed) << listed.error().to_string();
  EXPECT_EQ(listed->ttl, "23h");
  EXPECT_EQ(listed->expires, "2027-01-16T08:00:00Z");
  EXPECT_EQ(listed->usages, (std::vector<std::string>{"authentication", "signing"}));
  EXPECT_EQ(listed->groups.at(0), "system:bootstrappers:kubeadm:default-node-token");
  const auto left = [&](Duration passed) {
    return read_token_secret(json::Value(token_secret_document(token, now)), now + passed)->ttl;
  };
  EXPECT_EQ(left(std::chrono::milliseconds(1)), "23h");
  EXPECT_EQ(left(std::chrono::minutes(23 * 60 + 30)), "30m");
  EXPECT_EQ(left(std::chrono::hours(25)), "<invalid>");
  token.ttl = Seconds(0);
  EXPECT_EQ(read_token_secret(json::Value(token_secret_document(token, now)), now)->ttl,
            "<forever>");
  EXPECT_TRUE(tokens_text({*listed}, TokenFormat::kText)
                  .starts_with("TOKEN                     TTL   EXPIRES"));
  EXPECT_EQ(tokens_text({*listed, *listed}, TokenFormat::kYaml).find("---\n"),
            tokens_text({*listed}, TokenFormat::kYaml).size());
  EXPECT_TRUE(
      tokens_text({*listed}, TokenFormat::kJson).contains(R"("token": "abcdef.0123456789abcdef")"));
}

TEST(Tokens, SecretOfAnotherNameIsNoToken) {
  BootstrapToken token;
  token.token = "abcdef.0123456789abcdef";
  json::Object secret = token_secret_document(token, WallTime());
  secret["metadata"].get_object()["name"] = "bootstrap-token-other1";
  EXPECT_FALSE(read_token_secret(json::Value(secret), WallTime()));
}

}  // namespace
}  // namespace kpp::kubeadm
