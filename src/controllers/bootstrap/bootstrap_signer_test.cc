#include "controllers/bootstrap/bootstrap_signer.h"

#include "controllers/bootstrap/bootstrap_tokens.h"
#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class BootstrapTest : public testing::ControllerTest {
 protected:
  void put_token(const std::string& id, std::optional<Duration> lives = std::nullopt) {
    corev1::Secret secret;
    secret.metadata.name = "bootstrap-token-" + id;
    secret.metadata.namespace_ = "kube-system";
    secret.type = kBootstrapTokenType;
    secret.data = {{"token-id", id},
                   {"token-secret", "0123456789abcdef"},
                   {"usage-bootstrap-signing", "true"}};
    if (lives) {
      secret.data["expiration"] =
          api::Time::from(executor_.wall() +
                          std::chrono::duration_cast<std::chrono::seconds>(*lives))
              .to_string();
    }
    api_.put(secret);
  }
  void put_cluster_info() {
    corev1::ConfigMap map;
    map.metadata.name = "cluster-info";
    map.metadata.namespace_ = "kube-public";
    map.data = {{"kubeconfig", "content"}, {"jws-kubeconfig-gone01", "old"}};
    api_.put(map);
  }
  std::map<std::string, std::string> info() {
    return api_.get<corev1::ConfigMap>({"kube-public", "cluster-info"})->data;
  }
};

TEST(BootstrapTokens, SignaturesHaveNoContent) {
  // As `openssl dgst -sha256 -hmac abcdef.0123456789abcdef` makes it of header.payload.
  const std::string text = detached_signature("content", {"abcdef", "0123456789abcdef"});
  EXPECT_TRUE(text.starts_with("eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9.."));
  EXPECT_EQ(text.size(), std::string("eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..").size() + 43);
  EXPECT_NE(text, detached_signature("contents", {"abcdef", "0123456789abcdef"}));
}

TEST_F(BootstrapTest, EveryLivingTokenSignsAndOthersDoNot) {
  put_cluster_info();
  put_token("abcdef");
  put_token("fedcba", -std::chrono::seconds(5));
  start<BootstrapSigner>();
  const auto data = info();
  EXPECT_EQ(data.size(), 2u);
  EXPECT_TRUE(data.contains("jws-kubeconfig-abcdef"));
  put_token("123456", std::chrono::seconds(60));
  run();
  EXPECT_TRUE(info().contains("jws-kubeconfig-123456"));
  advance(std::chrono::seconds(61));
  EXPECT_FALSE(info().contains("jws-kubeconfig-123456"));
}

TEST_F(BootstrapTest, EndedTokensAreDeletedOnTime) {
  put_token("abcdef");
  put_token("fedcba", std::chrono::seconds(60));
  start<TokenCleaner>();
  advance(std::chrono::seconds(59));
  EXPECT_EQ(api_.all<corev1::Secret>().size(), 2u);
  advance(std::chrono::seconds(2));
  EXPECT_EQ(api_.all<corev1::Secret>().size(), 1u);
}

TEST(DetachedSignature, IsKeyedByTheSecretHalfOfTheToken) {
  EXPECT_EQ(
      detached_signature("payload", {"abcdef", "0123456789abcdef"}),
      "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..pQpAf41KnbpDpf53Otu_ufAeAbWD9CSytTS_WpoG4Mc");
}

}  // namespace
}  // namespace kpp::controllers
