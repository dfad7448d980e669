#include "kubeadm/cluster_info.h"

#include <gtest/gtest.h>

#include "net/x509.h"

namespace kpp::kubeadm {
namespace {

constexpr const char* kToken = "abcdef.0123456789abcdef";

class ClusterInfoTest : public testing::Test {
 protected:
  ClusterInfoTest() {
    const WallTime now{std::chrono::seconds(1'800'000'000)};
    ca_ = net::x509::make_ca("kubernetes", {now, now + std::chrono::hours(1)})->certificate_pem;
    map_ = cluster_info_document("https://192.168.1.12:6443", ca_);
    sign(kToken);
  }
  void sign(const std::string& token) {
    json::Object& data = map_["data"].get_object();
    data["jws-kubeconfig-abcdef"] =
        sign_detached(std::string_view(data["kubeconfig"].get_string()), token);
  }
  Result<ClusterInfo> read(std::vector<std::string> hashes) {
    return read_cluster_info(json::Value(map_), kToken, hashes);
  }

  std::string ca_;
  json::Object map_;
};

TEST_F(ClusterInfoTest, IsTrustedByTokenAndHash) {
  const auto info = read({cat("sha256:", net::x509::public_key_hash(ca_).value())});
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(info->server, "https://192.168.1.12:6443");
  EXPECT_EQ(info->ca_pem, ca_);
}

TEST_F(ClusterInfoTest, OtherHashIsRefused) {
  const auto info = read({cat("sha256:", std::string(64, 'a'))});
  ASSERT_FALSE(info);
  EXPECT_TRUE(info.error().is(Reason::kInvalid));
  EXPECT_TRUE(info.error().message().contains("are pinned")) << info.error().message();
}

TEST_F(ClusterInfoTest, SignatureOfAnotherSecretIsRefused) {
  sign("abcdef.ffffffffffffffff");
  EXPECT_TRUE(read({}).error().is(Reason::kUnauthorized));
}

TEST_F(ClusterInfoTest, TokenWithoutSignatureDoesNotExist) {
  map_["data"].get_object().erase("jws-kubeconfig-abcdef");
  EXPECT_TRUE(read({}).error().is(Reason::kNotFound));
}

TEST_F(ClusterInfoTest, ChangedContentIsRefused) {
  json::Value& text = map_["data"].get_object()["kubeconfig"];
  text = cat(std::string_view(text.get_string()), "# more\n");
  EXPECT_TRUE(read({}).error().is(Reason::kUnauthorized));
}

TEST(DetachedSignature, IsThatOfTheStandard) {
  const std::string signature = sign_detached("payload", kToken);
  EXPECT_EQ(
      signature,
      "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..pQpAf41KnbpDpf53Otu_ufAeAbWD9CSytTS_WpoG4Mc");
  EXPECT_TRUE(verify_detached(signature, "payload", kToken));
  EXPECT_FALSE(verify_detached(signature, "payload2", kToken));
  EXPECT_FALSE(verify_detached("x", "payload", kToken));
}

}  // namespace
}  // namespace kpp::kubeadm
