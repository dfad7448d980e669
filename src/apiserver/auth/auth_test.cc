#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "apiserver/auth/authenticator.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/auth/service_account_tokens.h"
#include "async/scope.h"
#include "base/fs.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "net/x509.h"

namespace kpp::apiserver {
namespace {

constexpr WallTime kNow{std::chrono::seconds{1'700'000'000}};

const std::string& key_pem() {
  static const std::string kKey = *net::x509::make_key(net::x509::KeyKind::kRsa2048);
  return kKey;
}

std::unique_ptr<ServiceAccountTokens> tokens() {
  return std::move(*ServiceAccountTokens::make(key_pem()));
}

TokenClaims claims() {
  TokenClaims out;
  out.namespace_ = "ns";
  out.service_account = "robot";
  out.service_account_uid = "u1";
  out.pod_name = "p";
  out.pod_uid = "u2";
  out.id = "j1";
  out.audiences = {std::string(ServiceAccountTokens::kIssuer)};
  out.issued_at = kNow;
  out.not_before = kNow;
  out.expires = kNow + std::chrono::hours(1);
  return out;
}

net::Request with_token(std::string_view token) {
  net::Request out;
  out.headers.add("Authorization", cat("Bearer ", token));
  return out;
}

TEST(ServiceAccountTokens, WhatWasSignedIsVerified) {
  const auto t = tokens();
  const auto read = t->verify(t->sign(claims()), kNow);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->service_account, "robot");
  EXPECT_EQ(read->pod_uid, "u2");
  const User user = ServiceAccountTokens::user_of(*read);
  EXPECT_EQ(user.name, "system:serviceaccount:ns:robot");
  EXPECT_TRUE(user.in_group("system:serviceaccounts:ns"));
  EXPECT_EQ(user.extra.at("authentication.kubernetes.io/credential-id").front(), "JTI=j1");
}

TEST(ServiceAccountTokens, ATokenEndsAtItsTime) {
  const auto t = tokens();
  const std::string token = t->sign(claims());
  EXPECT_TRUE(t->verify(token, kNow + std::chrono::minutes(59)));
  EXPECT_FALSE(t->verify(token, kNow + std::chrono::hours(1)));
  EXPECT_FALSE(t->verify(token, kNow - std::chrono::minutes(5)));
}

TEST(ServiceAccountTokens, ATokenIsGoodForItsAudienceOnly) {
  const auto t = tokens();
  TokenClaims other = claims();
  other.audiences = {"vault"};
  const std::string token = t->sign(other);
  EXPECT_FALSE(t->verify(token, kNow));
  EXPECT_TRUE(t->verify(token, kNow, "vault"));
}

TEST(ServiceAccountTokens, AChangedTokenIsRefused) {
  const auto t = tokens();
  const std::string token = t->sign(claims());
  const auto first = token.find('.'), last = token.rfind('.');
  std::string body =
      *base64_url_decode(std::string_view(token).substr(first + 1, last - first - 1));
  body.replace(body.find("robot"), 5, "admin");
  EXPECT_FALSE(t->verify(
      cat(token.substr(0, first + 1), base64_url_encode(body), token.substr(last)), kNow));
  // Without a signature, as JWT's "none" has it.
  EXPECT_FALSE(t->verify(
      cat(base64_url_encode(R"({"alg":"none"})"), ".", base64_url_encode(body), "."), kNow));
  for (const std::string_view text : {"", ".", "..", "a.b.c", "a.b"})
    EXPECT_FALSE(t->verify(text, kNow));
}

TEST(ServiceAccountTokens, AnotherKeysTokenIsRefused) {
  const auto other =
      std::move(*ServiceAccountTokens::make(*net::x509::make_key(net::x509::KeyKind::kRsa2048)));
  EXPECT_FALSE(tokens()->verify(other->sign(claims()), kNow));
}

TEST(ServiceAccountTokens, OnlyRsaKeysSign) {
  EXPECT_FALSE(ServiceAccountTokens::make(*net::x509::make_key(net::x509::KeyKind::kEcdsaP256)));
  EXPECT_FALSE(ServiceAccountTokens::make("no key"));
}

async::Task<void> wait_for_key(const ServiceAccountTokens* tokens, std::optional<Status>* told) {
  Status status = co_await tokens->wait_for_key({});
  *told = std::move(status);
}

TEST(ServiceAccountTokens, WhoNeedsTheKeyWaitsUntilItIsMade) {
  async::ManualExecutor executor;
  const auto awaiting = ServiceAccountTokens::awaiting_key(executor);
  EXPECT_FALSE(awaiting->verify(tokens()->sign(claims()), kNow));
  std::optional<Status> told;
  async::Scope scope(executor);
  scope.spawn(wait_for_key(awaiting.get(), &told));
  executor.run_until_idle();
  EXPECT_FALSE(told.has_value());
  EXPECT_TRUE(awaiting->take_key(key_pem()).ok());
  executor.run_until_idle();
  ASSERT_TRUE(told.has_value());
  EXPECT_TRUE(told->ok());
  EXPECT_TRUE(tokens()->verify(awaiting->sign(claims()), kNow));
}

TEST(ServiceAccountTokens, AKeyThatCannotBeMadeIsToldToThoseWhoWait) {
  async::ManualExecutor executor;
  const auto awaiting = ServiceAccountTokens::awaiting_key(executor);
  EXPECT_FALSE(awaiting->take_key(fail(Reason::kIo, "no space left on device")).ok());
  async::Scope scope(executor);
  std::optional<Status> told;
  scope.spawn(wait_for_key(awaiting.get(), &told));
  executor.run_until_idle();
  ASSERT_TRUE(told.has_value());
  EXPECT_TRUE(told->is(Reason::kIo));
}

TEST(ServiceAccountTokens, TheKeySetNamesTheKeyOfTheTokens) {
  const auto t = tokens();
  const auto set = json::parse(t->jwks());
  ASSERT_TRUE(set);
  const auto& key = set->at("keys").at(0);
  EXPECT_EQ(json::text_at(key, "alg"), "RS256");
  EXPECT_EQ(json::text_at(key, "e"), "AQAB");
  const std::string token = t->sign(claims());
  const auto header =
      json::parse(*base64_url_decode(std::string_view(token).substr(0, token.find('.'))));
  EXPECT_EQ(json::text_at(*header, "kid"), json::text_at(key, "kid"));
}

class AuthenticatorTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        fs::write_file_atomic(path_, "t1,admin,u1,\"system:masters,dev\"\nt2,user2,u2\n\n").ok());
    AuthenticatorOptions options;
    options.token_auth_file = path_;
    authenticator_ = std::move(*Authenticator::make(options, tokens_.get()));
  }
  void TearDown() override { unlink(path_.c_str()); }

  Result<User> who(net::Request request) const {
    return authenticator_->authenticate(request, kNow);
  }

  const std::string path_ = cat(testing::TempDir(), "/kpp-tokens-", getpid());
  std::unique_ptr<ServiceAccountTokens> tokens_ = tokens();
  std::unique_ptr<Authenticator> authenticator_;
};

TEST_F(AuthenticatorTest, ATokenOfTheFileIsItsUser) {
  const auto user = who(with_token("t1"));
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "admin");
  EXPECT_EQ(user->groups,
            (std::vector<std::string>{"system:masters", "dev", "system:authenticated"}));
}

TEST_F(AuthenticatorTest, AWrongTokenIsNotAnonymous) {
  EXPECT_FALSE(who(with_token("nope")));
  EXPECT_FALSE(who(with_token("t")));
}

// A request of a browser, which can name protocols only.
net::Request with_protocols(std::string list) {
  net::Request request;
  request.upgradable = true;
  request.headers.add("Upgrade", "websocket");
  request.headers.add("Sec-WebSocket-Protocol", std::move(list));
  return request;
}

TEST_F(AuthenticatorTest, ATokenAmongTheProtocolsOfAWebSocketIsBelievedAndTakenOut) {
  const std::string token = cat("base64url.bearer.authorization.k8s.io.", base64_url_encode("t2"));
  net::Request request = with_protocols(cat("v5.channel.k8s.io, ", token, ", v4.channel.k8s.io"));
  const auto user = authenticator_->authenticate(request, kNow);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "user2");
  EXPECT_EQ(request.headers.get("Sec-WebSocket-Protocol"), "v5.channel.k8s.io,v4.channel.k8s.io");
}

TEST_F(AuthenticatorTest, AWebSocketsTokenNeedsAnotherProtocolAndToBeRight) {
  const auto offer = [](std::string_view token) {
    return cat("base64url.bearer.authorization.k8s.io.", base64_url_encode(token));
  };
  EXPECT_FALSE(who(with_protocols(offer("t2"))));
  EXPECT_FALSE(who(with_protocols(cat(offer("nope"), ",v5.channel.k8s.io"))));
  EXPECT_FALSE(who(with_protocols(cat(offer("t1"), ",", offer("t2"), ",v5.channel.k8s.io"))));
  EXPECT_FALSE(who(with_protocols("base64url.bearer.authorization.k8s.io.??,v5.channel.k8s.io")));
  net::Request plain = with_protocols(cat(offer("t2"), ",v5.channel.k8s.io"));
  plain.upgradable = false;
  EXPECT_EQ(who(std::move(plain))->name, "system:anonymous");
}

TEST_F(AuthenticatorTest, NoCredentialsAreAnonymous) {
  net::Request request;
  const auto user = authenticator_->authenticate(request, kNow);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "system:anonymous");
  EXPECT_EQ(user->groups, std::vector<std::string>{"system:unauthenticated"});
}

TEST_F(AuthenticatorTest, AVerifiedCertificateCounts) {
  net::Request request;
  request.peer_certificate = net::PeerCertificate{"node", {"system:nodes"}, true};
  const auto user = authenticator_->authenticate(request, kNow);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "node");
  EXPECT_TRUE(user->in_group("system:nodes"));
  request.peer_certificate->verified = false;
  EXPECT_EQ(authenticator_->authenticate(request, kNow)->name, "system:anonymous");
}

TEST_F(AuthenticatorTest, AServiceAccountTokenIsItsAccount) {
  const auto user = who(with_token(tokens_->sign(claims())));
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "system:serviceaccount:ns:robot");
  EXPECT_TRUE(user->in_group("system:authenticated"));
}

TEST_F(AuthenticatorTest, AReviewNamesTheAudiencesThatFit) {
  const std::string token = tokens_->sign(claims());
  const auto own = authenticator_->review(token, {}, kNow);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->audiences, std::vector<std::string>{"https://kubernetes.default.svc"});
  const auto other = authenticator_->review(token, {"other"}, kNow);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message(),
            "[invalid bearer token, token audiences [\"https://kubernetes.default.svc\"] is "
            "invalid for the target audiences "
            "[\"other\"]]");
  EXPECT_EQ(authenticator_->review("garbage", {}, kNow).error().message(), "invalid bearer token");
}

TEST(ForbiddenMessage, NamesSubresourceGroupAndScope) {
  User user;
  user.name = "user2";
  AccessRequest access;
  access.verb = "get";
  access.group = "apps";
  access.resource = "deployments";
  access.subresource = "scale";
  access.namespace_ = "ns";
  EXPECT_EQ(forbidden_message(user, access),
            "User \"user2\" cannot get resource \"deployments/scale\" in API group \"apps\" in the "
            "namespace \"ns\"");
  access = {};
  access.is_resource = false;
  access.verb = "get";
  access.path = "/metrics";
  EXPECT_EQ(forbidden_message(user, access), "User \"user2\" cannot get path \"/metrics\"");
}

}  // namespace
}  // namespace kpp::apiserver
