#include "apiserver/metrics.h"

#include <gtest/gtest.h>

#include "base/cat.h"

namespace kpp::apiserver {
namespace {

constexpr TimePoint kBegin{};

RequestMetrics::Running begin(RequestMetrics& metrics, std::string method, std::string path,
                              std::string query = {}, std::string type = {}) {
  net::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  if (!type.empty()) request.headers.add("Content-Type", std::move(type));
  const auto parsed = net::Query::parse(query);
  return metrics.begin(request, parsed, parse_request_info(request.method, request.path, parsed),
                       kBegin);
}

std::string text(const RequestMetrics& metrics) {
  std::string out;
  metrics.write(out);
  return out;
}

bool has(const RequestMetrics& metrics, std::string_view line) {
  return text(metrics).find(cat(line, "\n")) != std::string::npos;
}

TEST(RequestMetrics, AnAnsweredRequestIsCountedUnderItsLabels) {
  RequestMetrics metrics;
  const auto running = begin(metrics, "GET", "/api/v1/namespaces/ns/pods");
  EXPECT_TRUE(has(metrics, R"(apiserver_current_inflight_requests{request_kind="readOnly"} 1)"));
  metrics.end(running, 200, 1500, kBegin + std::chrono::milliseconds(30));
  EXPECT_TRUE(has(metrics, R"(apiserver_current_inflight_requests{request_kind="readOnly"} 0)"));
  EXPECT_TRUE(has(
      metrics,
      R"(apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="namespace",subresource="",verb="LIST",version="v1"} 1)"));
  const std::string labels =
      R"(component="apiserver",dry_run="",group="",resource="pods",scope="namespace",subresource="",verb="LIST",version="v1")";
  EXPECT_TRUE(
      has(metrics, cat("apiserver_request_duration_seconds_bucket{", labels, ",le=\"0.025\"} 0")));
  EXPECT_TRUE(
      has(metrics, cat("apiserver_request_duration_seconds_bucket{", labels, ",le=\"0.05\"} 1")));
  EXPECT_TRUE(
      has(metrics, cat("apiserver_request_duration_seconds_bucket{", labels, ",le=\"+Inf\"} 1")));
  EXPECT_TRUE(has(
      metrics,
      R"(apiserver_response_sizes_bucket{component="apiserver",group="",resource="pods",scope="namespace",subresource="",verb="LIST",version="v1",le="10000"} 1)"));
}

TEST(RequestMetrics, VerbsAreThoseThatTheOriginalCounts) {
  const auto verb = [](std::string method, std::string path, std::string query = {},
                       std::string type = {}) {
    RequestMetrics metrics;
    metrics.end(
        begin(metrics, std::move(method), std::move(path), std::move(query), std::move(type)), 200,
        0, kBegin);
    const std::string all = text(metrics);
    const auto at = all.find("apiserver_request_total{");
    const auto from = all.find("scope=", at);
    return all.substr(from, all.find(",version", from) - from);
  };
  EXPECT_EQ(verb("POST", "/api/v1/namespaces/a/pods"),
            R"(scope="resource",subresource="",verb="POST")");
  EXPECT_EQ(verb("GET", "/api/v1/pods", "watch=1"),
            R"(scope="cluster",subresource="",verb="WATCH")");
  EXPECT_EQ(verb("POST", "/api/v1/namespaces/a/pods/p/exec"),
            R"(scope="resource",subresource="exec",verb="CONNECT")");
  EXPECT_EQ(verb("PATCH", "/api/v1/namespaces/a/pods/p", "", "application/apply-patch+yaml"),
            R"(scope="resource",subresource="",verb="APPLY")");
  EXPECT_EQ(verb("DELETE", "/api/v1/namespaces/a/pods"),
            R"(scope="namespace",subresource="",verb="DELETE")");
  EXPECT_EQ(verb("GET", "/readyz"), R"(scope="",subresource="/readyz",verb="GET")");
  EXPECT_EQ(verb("GET", "/readyz/made-up"), R"(scope="",subresource="",verb="GET")");
  EXPECT_EQ(verb("BREW", "/"), R"(scope="",subresource="",verb="other")");
}

TEST(RequestMetrics, AWatchIsAmongThoseThatGoOn) {
  RequestMetrics metrics;
  const auto running = begin(metrics, "GET", "/api/v1/nodes", "watch=true");
  const std::string line =
      R"(apiserver_longrunning_requests{component="apiserver",group="",resource="nodes",scope="cluster",subresource="",verb="WATCH",version="v1"} )";
  EXPECT_TRUE(has(metrics, cat(line, 1)));
  EXPECT_TRUE(has(metrics, R"(apiserver_current_inflight_requests{request_kind="readOnly"} 0)"));
  metrics.end(running, 200, 0, kBegin);
  EXPECT_TRUE(has(metrics, cat(line, 0)));
}

TEST(RequestMetrics, LabelsAreEscaped) {
  RequestMetrics metrics;
  metrics.end(begin(metrics, "GET", "/api/v1/a\"b\\c\nd"), 404, 0, kBegin);
  EXPECT_NE(text(metrics).find(R"(resource="a\"b\\c\nd")"), std::string::npos);
}

}  // namespace
}  // namespace kpp::apiserver
