#include "client/token_source.h"

#include <gtest/gtest.h>

#include "api/authenticationv1.h"
#include "api/corev1.h"
#include "async/scope.h"
#include "base/fs.h"
#include "client/testing/fake_api.h"

namespace kpp::client {
namespace {

// Answers every request with who sends it; 401 to the first `refusals`.
class Mirror final : public net::Transport {
 public:
  async::Task<Result<net::Response>> send(net::Request request, bool, async::StopToken) override {
    seen.emplace_back(request.headers.get("Authorization"));
    co_return net::Response::text(refusals-- > 0 ? 401 : 200, "text/plain", "");
  }
  std::vector<std::string> seen;
  int refusals = 0;
};

// Hands out token-1, token-2, ... for an hour each; accounts are those of the fake API.
class TokenServer final : public net::Transport {
 public:
  TokenServer(async::Executor& executor, testing::FakeApi& api) : executor_(executor), api_(api) {}
  async::Task<Result<net::Response>> send(net::Request request, bool want_stream,
                                          async::StopToken stop) override {
    constexpr std::string_view kAsk =
        "/api/v1/namespaces/kube-system/serviceaccounts/job-controller/token";
    const bool known =
        api_.get<corev1::ServiceAccount>({"kube-system", "job-controller"}).has_value();
    if (request.path != kAsk)
      co_return co_await api_.transport().send(std::move(request), want_stream, stop);
    if (!known)
      co_return net::Response::text(404, "application/json",
                                    R"({"kind":"Status","reason":"NotFound","code":404})");
    authenticationv1::TokenRequest answer;
    answer.status.token = cat("token-", ++asked);
    answer.status.expiration_timestamp = api::Time::from(executor_.wall() + std::chrono::hours(1));
    std::string body;
    api::to_json(body, authenticationv1::TokenRequest::desc(), &answer);
    co_return net::Response::text(201, "application/json", std::move(body));
  }
  int asked = 0;

 private:
  async::Executor& executor_;
  testing::FakeApi& api_;
};

class TokenSourceTest : public ::testing::Test {
 protected:
  void send(net::Transport& transport, int times = 1) {
    async::Scope scope(executor_);
    for (int i = 0; i < times; ++i) scope.spawn(send_one(transport));
    executor_.run_until_idle();
  }
  static async::Task<void> send_one(net::Transport& transport) {
    net::Request request;
    request.method = "GET";
    request.path = "/api";
    (void)co_await transport.send(std::move(request), false, {});
  }

  async::ManualExecutor executor_;
  Mirror mirror_;
};

class AccountTokens : public TokenSourceTest {
 protected:
  testing::FakeApi api_{executor_};
  TokenServer server_{executor_, api_};
  Client client_{server_, "test"};
  BearerTransport transport_{
      mirror_, std::make_unique<ServiceAccountTokenSource>(
                   executor_, client_, api::ObjectKey{"kube-system", "job-controller"})};
};

TEST_F(AccountTokens, AMissingAccountIsMadeAndItsTokenUsedUntilAFifthOfItsLifeIsLeft) {
  send(transport_, 3);
  EXPECT_TRUE(api_.get<corev1::ServiceAccount>({"kube-system", "job-controller"}));
  EXPECT_EQ(mirror_.seen, std::vector<std::string>(3, "Bearer token-1"));
  executor_.advance(std::chrono::minutes(47));
  send(transport_);
  EXPECT_EQ(mirror_.seen.back(), "Bearer token-1");
  executor_.advance(std::chrono::minutes(2));
  send(transport_);
  EXPECT_EQ(mirror_.seen.back(), "Bearer token-2");
}

TEST_F(AccountTokens, ARefusedTokenIsNotSentAgain) {
  mirror_.refusals = 1;
  send(transport_);
  send(transport_);
  EXPECT_EQ(mirror_.seen, (std::vector<std::string>{"Bearer token-1", "Bearer token-2"}));
}

TEST_F(AccountTokens, NothingIsSentWithoutAToken) {
  api_.fail_next("POST", "serviceaccounts", Status(Reason::kForbidden, "no"));
  send(transport_);
  EXPECT_TRUE(mirror_.seen.empty());
}

TEST_F(TokenSourceTest, ATokenFileIsReadAgainAfterAMinute) {
  const std::string path = cat(::testing::TempDir(), "/kpp-token-", ::getpid());
  ASSERT_TRUE(fs::write_file_atomic(path, "one\n", 0600).ok());
  BearerTransport transport(mirror_, std::make_unique<FileTokenSource>(executor_, path));
  send(transport);
  ASSERT_TRUE(fs::write_file_atomic(path, "two\n", 0600).ok());
  send(transport);
  executor_.advance(std::chrono::seconds(61));
  send(transport);
  EXPECT_EQ(mirror_.seen, (std::vector<std::string>{"Bearer one", "Bearer one", "Bearer two"}));
  ASSERT_TRUE(fs::remove_all(path).ok());
}

}  // namespace
}  // namespace kpp::client
