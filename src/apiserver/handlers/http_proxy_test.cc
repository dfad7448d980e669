#include <gtest/gtest.h>

#include "apiserver/testing/one_server.h"

namespace kpp::apiserver {
namespace {

// What is refused, or answered, before anything is sent to a pod.
class HttpProxyTest : public ::testing::Test {
 protected:
  void make(std::string_view where, std::string body) {
    const auto made = server_.call("POST", cat(kDefault, where), std::move(body));
    ASSERT_EQ(made.status, 201) << made.body;
  }
  void expect(std::string_view path, int status, std::string_view message) {
    const auto answer = server_.call("GET", cat(kDefault, path));
    EXPECT_EQ(answer.status, status) << path;
    EXPECT_EQ(answer.at("/message"), message) << path;
  }

  static constexpr std::string_view kDefault = "/api/v1/namespaces/default/";
  testing::OneServer server_;
};

TEST_F(HttpProxyTest, WhatIsNamedWronglyOrNotThereIsRefused) {
  expect("pods/ftp:web:21/proxy/", 400, R"(invalid pod request "ftp:web:21")");
  expect("services/a:b:c:d/proxy/", 400, R"(invalid service request "a:b:c:d")");
  expect("pods/web/proxy/", 404, R"(pods "web" not found)");
  expect("services/web/proxy/", 404, R"(endpoints "web" not found)");
  expect("services/web:80/proxy/", 404, R"(services "web" not found)");
}

TEST_F(HttpProxyTest, AServiceIsReachedByWhatBacksItsPort) {
  make("services", R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},
                       "spec":{"ports":[{"name":"http","port":80}]}})");
  make("endpoints", R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"web"}})");
  expect("services/web:81/proxy/", 503, R"(no service port 81 found for service "web")");
  expect("services/web:80/proxy/", 503, R"(no endpoints available for service "web")");
  expect("services/web:http/proxy/", 503, R"(no endpoints available for service "web")");
}

TEST_F(HttpProxyTest, AnAddressWhosePodHasGoneIsNotUsed) {
  make("services", R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},
                       "spec":{"ports":[{"port":80}]}})");
  make("endpoints", R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"web"},
                        "subsets":[{"addresses":[{"ip":"10.244.0.7","targetRef":
                          {"kind":"Pod","namespace":"default","name":"gone"}}],
                          "ports":[{"port":8080}]}]})");
  expect("services/web/proxy/", 503, R"(no endpoints available for service "web")");
}

TEST_F(HttpProxyTest, APodWithoutAnAddressForEverybodyIsNotReached) {
  make("serviceaccounts", R"({"apiVersion":"v1","kind":"ServiceAccount",
                              "metadata":{"name":"default"}})");
  make("pods", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},
                   "spec":{"containers":[{"name":"c","image":"i"}]}})");
  expect("pods/web/proxy/", 400, "address not allowed");
  const auto at_loopback =
      server_.call("PATCH", cat(kDefault, "pods/web/status"),
                   R"({"status":{"podIP":"127.0.0.1","podIPs":[{"ip":"127.0.0.1"}]}})",
                   "application/merge-patch+json");
  ASSERT_EQ(at_loopback.status, 200) << at_loopback.body;
  expect("pods/web/proxy/", 400, "address not allowed");
}

TEST_F(HttpProxyTest, WithoutASlashTheClientIsSentToThePathWithOne) {
  make("services", R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},
                       "spec":{"ports":[{"port":80}]}})");
  make("endpoints", R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"web"},
                        "subsets":[{"addresses":[{"ip":"10.244.0.7"}],
                                    "ports":[{"port":8080}]}]})");
  const auto moved = server_.call("GET", cat(kDefault, "services/web/proxy?a=b"));
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(moved.headers.get("Location"), "/api/v1/namespaces/default/services/web/proxy/?a=b");
}

}  // namespace
}  // namespace kpp::apiserver
