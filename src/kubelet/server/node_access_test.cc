#include "kubelet/server/node_access.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "api/json_codec.h"
#include "async/scope.h"
#include "kubelet/server/health_port.h"

namespace kpp::kubelet {
namespace {

// Reviews as an API server does that knows one token and allows some subresources.
class Reviewer final : public net::Transport {
 public:
  async::Task<Result<net::Response>> send(net::Request request, bool, async::StopToken) override {
    if (request.path.ends_with("/tokenreviews")) {
      auto review = api::parse_json<authenticationv1::TokenReview>(request.body).value();
      review.status.authenticated = review.spec.token == "good";
      review.status.user.username = "system:serviceaccount:kube-system:metrics";
      co_return net::Response::text(201, "application/json", api::to_json(review));
    }
    auto review = api::parse_json<authorizationv1::SubjectAccessReview>(request.body).value();
    const auto& wanted = *review.spec.resource_attributes;
    asked.push_back(cat(review.spec.user, " ", wanted.verb, " ", wanted.resource, "/",
                        wanted.subresource, " ", wanted.name));
    review.status.allowed = wanted.subresource == allowed;
    co_return net::Response::text(201, "application/json", api::to_json(review));
  }
  std::string allowed;
  std::vector<std::string> asked;
};

struct NodeAccessTest : ::testing::Test {
  NodeAccessTest() {
    options.node_name = "node1";
    request.method = "GET";
  }
  // The status of the refusal, 0 if there is none.
  int refused(std::string path) {
    request.path = std::move(path);
    body.clear();
    int status = -1;
    NodeAccess access(executor, client, options);
    async::Scope scope(executor);
    scope.spawn(ask(access, status));
    executor.run_until_idle();
    return status;
  }
  async::Task<void> ask(NodeAccess& access, int& status) {
    auto refusal = co_await access.refuse(request, async::StopToken());
    status = refusal ? refusal->status : 0;
    if (refusal) body = refusal->body_text();
  }

  async::ManualExecutor executor;
  Reviewer reviewer;
  client::Client client{reviewer, "kubelet"};
  KubeletOptions options;
  net::Request request;
  std::string body;
};

TEST_F(NodeAccessTest, WhoProvesNothingIsTurnedAway) {
  EXPECT_EQ(refused("/pods"), 401);
  EXPECT_EQ(body, "Unauthorized");
  EXPECT_TRUE(reviewer.asked.empty());
}

TEST_F(NodeAccessTest, TheFinestSubresourceIsAskedForFirst) {
  request.peer_certificate = net::PeerCertificate{"someone", {}, true};
  EXPECT_EQ(refused("/pods"), 403);
  EXPECT_EQ(body,
            "Forbidden (user=someone, verb=get, resource=nodes, subresource(s)=[pods proxy])");
  EXPECT_EQ(reviewer.asked, (std::vector<std::string>{"someone get nodes/pods node1",
                                                      "someone get nodes/proxy node1"}));
  reviewer.allowed = "proxy";
  EXPECT_EQ(refused("/pods"), 0);
  request.method = "POST";
  EXPECT_EQ(refused("/exec/default/p/c"), 0);
  EXPECT_EQ(reviewer.asked.back(), "someone create nodes/proxy node1");
  EXPECT_EQ(refused("/metrics/resource"), 403);
}

TEST_F(NodeAccessTest, TokensAreReviewedWhereThatIsOn) {
  reviewer.allowed = "metrics";
  request.headers.set("Authorization", "Bearer good");
  EXPECT_EQ(refused("/metrics"), 0);
  EXPECT_EQ(reviewer.asked.back(),
            "system:serviceaccount:kube-system:metrics get nodes/metrics node1");
  request.headers.set("Authorization", "Bearer bad");
  EXPECT_EQ(refused("/metrics"), 401);
  options.access.token_webhook = false;
  request.headers.set("Authorization", "Bearer good");
  EXPECT_EQ(refused("/metrics"), 401);
}

TEST_F(NodeAccessTest, MembersOfSystemMastersNeedNoReview) {
  request.peer_certificate = net::PeerCertificate{"admin", {"system:masters"}, true};
  EXPECT_EQ(refused("/exec/default/p/c"), 0);
  EXPECT_TRUE(reviewer.asked.empty());
}

TEST_F(NodeAccessTest, AlwaysAllowLetsInWhoeverIsKnown) {
  options.access.webhook = false;
  EXPECT_EQ(refused("/pods"), 401);
  options.access.anonymous = true;
  EXPECT_EQ(refused("/pods"), 0);
  EXPECT_TRUE(reviewer.asked.empty());
}

TEST(HealthAnswer, PartsCanBeNamed) {
  net::Request request;
  const auto text = [&](std::string path, std::string query) {
    request.path = std::move(path);
    request.query = std::move(query);
    const auto answer = health_answer(request);
    return answer ? answer->body_text() : "none";
  };
  EXPECT_EQ(text("/healthz", ""), "ok");
  EXPECT_EQ(text("/healthz/syncloop", ""), "ok");
  EXPECT_EQ(text("/healthz", "verbose"),
            "[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n");
  EXPECT_EQ(text("/healthz/other", ""), "none");
  EXPECT_EQ(text("/healthzzz", ""), "none");
}

}  // namespace
}  // namespace kpp::kubelet
