#include "net/x509.h"

#include <gtest/gtest.h>

namespace kpp::net::x509 {
namespace {

Validity a_day() {
  const WallTime start{std::chrono::seconds(1'700'000'000)};
  return {start, start + std::chrono::hours(24)};
}

TEST(X509, ACaSignsWhatItIsAskedFor) {
  const auto ca = make_ca("kubernetes", a_day());
  ASSERT_TRUE(ca) << ca.error().to_string();
  const auto info = read_certificate(ca->certificate_pem);
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->is_ca);
  EXPECT_EQ(info->subject.common_name, "kubernetes");

  const auto leaf =
      issue(*ca, {"system:node:n1", {"system:nodes"}, {"n1"}, {"10.0.0.1", "fd00::1"}},
            {.server = true, .client = true}, a_day());
  ASSERT_TRUE(leaf) << leaf.error().to_string();
  const auto read = read_certificate(leaf->certificate_pem);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->is_ca);
  EXPECT_EQ(read->subject.common_name, "system:node:n1");
  EXPECT_EQ(read->subject.organizations, std::vector<std::string>{"system:nodes"});
  EXPECT_EQ(read->subject.dns_names, std::vector<std::string>{"n1"});
  EXPECT_EQ(read->subject.ip_addresses, (std::vector<std::string>{"10.0.0.1", "fd00::1"}));
  EXPECT_EQ(read->validity.not_after, a_day().not_after);
  EXPECT_EQ(read->sha256.size(), 64u);
}

TEST(X509, RsaKeysWorkToo) {
  const auto ca = make_ca("rsa", a_day(), KeyKind::kRsa2048);
  ASSERT_TRUE(ca);
  EXPECT_TRUE(issue(*ca, {"a", {}, {}, {}}, {.client = true}, a_day()));
  const auto text = public_key(ca->key_pem);
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->starts_with("-----BEGIN PUBLIC KEY-----"));
  EXPECT_EQ(public_key_hash(ca->certificate_pem)->size(), 64u);
}

TEST(X509, ARequestKeepsItsSubjectThroughSigning) {
  const auto ca = make_ca("ca", a_day());
  const auto key = make_key();
  const auto request = make_request(*key, {"alice", {"dev"}, {"a.example"}, {"10.1.2.3"}});
  ASSERT_TRUE(request);
  const auto signed_pem = sign_request(*ca, *request, {.client = true}, a_day());
  ASSERT_TRUE(signed_pem) << signed_pem.error().to_string();
  const auto read = read_certificate(*signed_pem);
  EXPECT_EQ(read->subject.common_name, "alice");
  EXPECT_EQ(read->subject.dns_names, std::vector<std::string>{"a.example"});
  EXPECT_EQ(read->subject.ip_addresses, std::vector<std::string>{"10.1.2.3"});
}

TEST(X509, GarbageIsAnError) {
  EXPECT_FALSE(read_certificate("garbage"));
  EXPECT_FALSE(read_request(
      "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"));
  const auto one = make_ca("one", a_day());
  const auto two = make_ca("two", a_day());
  EXPECT_FALSE(issue({one->certificate_pem, two->key_pem}, {"a", {}, {}, {}}, {}, a_day()));
}

}  // namespace
}  // namespace kpp::net::x509
