#include "proxy/service_health.h"

#include <gtest/gtest.h>

#include "async/scope.h"
#include "proxy/health.h"

namespace kpp::proxy {
namespace {

class ServiceHealth : public testing::Test {
 protected:
  net::Response ask(CheckedService service) {
    answers_.set(std::move(service));
    net::Response out;
    async::Scope scope(executor_);
    scope.spawn(keep(answers_.handle({}, {}), &out));
    executor_.run_until_idle();
    return out;
  }
  static async::Task<void> keep(async::Task<net::Response> task, net::Response* out) {
    *out = co_await std::move(task);
  }

  async::ManualExecutor executor_;
  Health health_{executor_, std::chrono::seconds(30)};
  ServiceHealthAnswers answers_{health_};
};

TEST_F(ServiceHealth, ANodeWithEndpointsTellsHowMany) {
  const auto response = ask({"default", "web", 2});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.headers.find("X-Load-Balancing-Endpoint-Weight"), "2");
  EXPECT_EQ(response.body_text(),
            "{\n\t\"service\": {\n\t\t\"namespace\": \"default\",\n\t\t\"name\": \"web\"\n\t},\n\t"
            "\"localEndpoints\": 2,\n\t\"serviceProxyHealthy\": true\n}");
}

TEST_F(ServiceHealth, ANodeWithoutEndpointsWantsNoTraffic) {
  const auto response = ask({"default", "web", 0});
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(*response.headers.find("X-Load-Balancing-Endpoint-Weight"), "0");
}

TEST_F(ServiceHealth, AProxyThatDoesNotWriteItsRulesWantsNoTraffic) {
  health_.queued(0);
  executor_.advance(std::chrono::minutes(5));
  const auto response = ask({"default", "web", 2});
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.body_text().contains("\"serviceProxyHealthy\": false"));
}

}  // namespace
}  // namespace kpp::proxy
