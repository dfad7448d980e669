#include "client/delegated_access.h"

#include <gtest/gtest.h>

#include "async/scope.h"

namespace kpp::client {
namespace {

// Knows the token "good" of jane, who may get /metrics.
class Reviewer final : public net::Transport {
 public:
  async::Task<Result<net::Response>> send(net::Request request, bool, async::StopToken) override {
    ++questions;
    std::string body;
    if (request.path.ends_with("tokenreviews")) {
      authenticationv1::TokenReview review;
      (void)api::from_json_text(request.body, authenticationv1::TokenReview::desc(), &review);
      review.status.authenticated = review.spec.token == "good";
      review.status.user.username = "jane";
      api::to_json(body, authenticationv1::TokenReview::desc(), &review);
    } else {
      authorizationv1::SubjectAccessReview review;
      (void)api::from_json_text(request.body, authorizationv1::SubjectAccessReview::desc(),
                                &review);
      const auto& wanted = review.spec.non_resource_attributes;
      review.status.allowed = review.spec.user == "jane" && wanted && wanted->verb == "get" &&
                              wanted->path == "/metrics";
      review.status.reason = "because";
      api::to_json(body, authorizationv1::SubjectAccessReview::desc(), &review);
    }
    co_return net::Response::text(201, "application/json", std::move(body));
  }
  int questions = 0;
};

class DelegatedAccessTest : public ::testing::Test {
 protected:
  static net::Request get(const std::string& path, const std::string& authorization = {}) {
    net::Request out;
    out.method = "GET";
    out.path = path;
    if (!authorization.empty()) out.headers.add("Authorization", authorization);
    return out;
  }
  // "jane: allowed", "jane: because", "Unauthorized".
  std::string outcome(net::Request request) {
    std::string out;
    async::Scope scope(executor_);
    scope.spawn(decide(request, &out));
    executor_.run_until_idle();
    return out;
  }
  async::Task<void> decide(net::Request& request, std::string* out) {
    auto user = co_await access_.authenticate(request, {});
    if (!user) {
      *out = user.error().message();
      co_return;
    }
    const std::string name = user->username;
    Status status = co_await access_.authorize(std::move(*user), path_access(request), {});
    *out = cat(name, ": ", status.ok() ? "allowed" : status.message());
  }

  async::ManualExecutor executor_;
  Reviewer reviewer_;
  Client client_{reviewer_, "test"};
  DelegatedAccess access_{executor_, client_, client_, {}};
};

TEST_F(DelegatedAccessTest, ATokenIsReviewedOnceInItsTime) {
  EXPECT_EQ(outcome(get("/metrics", "Bearer good")), "jane: allowed");
  EXPECT_EQ(outcome(get("/metrics", "Bearer good")), "jane: allowed");
  EXPECT_EQ(reviewer_.questions, 2);
  EXPECT_EQ(outcome(get("/configz", "Bearer good")), "jane: because");
  EXPECT_EQ(reviewer_.questions, 3);
  executor_.advance(std::chrono::seconds(11));
  EXPECT_EQ(outcome(get("/metrics", "Bearer good")), "jane: allowed");
  EXPECT_EQ(reviewer_.questions, 5);
}

TEST_F(DelegatedAccessTest, AWrongTokenIsNotAnonymous) {
  EXPECT_EQ(outcome(get("/metrics", "Bearer bad")), "Unauthorized");
  EXPECT_EQ(outcome(get("/metrics", "Basic eDp5")), "Unauthorized");
  EXPECT_EQ(outcome(get("/metrics")), "system:anonymous: because");
}

TEST_F(DelegatedAccessTest, OnlyAVerifiedCertificateNamesItsUser) {
  net::Request request = get("/configz");
  request.peer_certificate = net::PeerCertificate{"root", {"system:masters"}, false};
  EXPECT_EQ(outcome(request), "system:anonymous: because");
  request.peer_certificate->verified = true;
  EXPECT_EQ(outcome(request), "root: allowed");
}

}  // namespace
}  // namespace kpp::client
