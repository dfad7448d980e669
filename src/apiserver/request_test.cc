// What a request is read as: path, verb, media types; and how errors are written.
#include <gtest/gtest.h>

#include "apiserver/discovery.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/options.h"
#include "apiserver/negotiation.h"
#include "apiserver/request_info.h"
#include "apiserver/resources.h"

namespace kpp::apiserver {
namespace {

RequestInfo read(std::string_view method, std::string_view path, std::string_view query = "") {
  return parse_request_info(method, path, net::Query::parse(query));
}

TEST(RequestInfo, NamespacedObjectAndItsSubresource) {
  const auto info = read("PUT", "/apis/apps/v1/namespaces/default/deployments/web/status");
  EXPECT_TRUE(info.is_resource);
  EXPECT_EQ(info.verb, "update");
  EXPECT_EQ(info.group, "apps");
  EXPECT_EQ(info.namespace_, "default");
  EXPECT_EQ(info.resource, "deployments");
  EXPECT_EQ(info.name, "web");
  EXPECT_EQ(info.subresource, "status");
}

TEST(RequestInfo, ANamespaceItselfIsAResource) {
  const auto info = read("PUT", "/api/v1/namespaces/shop/finalize");
  EXPECT_EQ(info.resource, "namespaces");
  EXPECT_EQ(info.name, "shop");
  EXPECT_EQ(info.subresource, "finalize");
}

TEST(RequestInfo, VerbsFollowTheQuery) {
  EXPECT_EQ(read("GET", "/api/v1/pods").verb, "list");
  EXPECT_EQ(read("GET", "/api/v1/pods", "watch=1").verb, "watch");
  EXPECT_EQ(read("GET", "/api/v1/pods", "watch=false").verb, "list");
  EXPECT_EQ(read("GET", "/api/v1/namespaces/a/pods/p").verb, "get");
  EXPECT_EQ(read("DELETE", "/api/v1/namespaces/a/pods").verb, "deletecollection");
}

TEST(RequestInfo, OtherPathsAreNoResources) {
  EXPECT_FALSE(read("GET", "/healthz").is_resource);
  EXPECT_FALSE(read("GET", "/apis/apps").is_resource);
}

TEST(Discovery, VersionsThatAServedGroupLacksAreNotFoundInJson) {
  const ResourceTable table;
  const Discovery discovery(table, "127.0.0.1:6443");
  const auto answer = [&](std::string path) {
    net::Request request;
    request.method = "GET";
    request.path = std::move(path);
    return discovery.answer(request, net::Query::parse(""));
  };
  for (const char* path : {"/api/v9", "/apis/apps/nope"}) {
    const auto found = answer(path);
    ASSERT_TRUE(found) << path;
    EXPECT_EQ(found->status, 404) << path;
    EXPECT_EQ(found->headers.get("Content-Type"), "application/json") << path;
  }
  EXPECT_FALSE(answer("/apis/nosuch"));
  EXPECT_FALSE(answer("/api/v1/pods"));
}

TEST(ResourceVersions, AreNumbers) {
  EXPECT_EQ(parse_resource_version("17").value(), 17);
  EXPECT_EQ(
      parse_resource_version("x").error().message(),
      "resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax");
  EXPECT_EQ(
      parse_resource_version("-1").error().message(),
      "resourceVersion: Invalid value: \"-1\": strconv.ParseUint: parsing \"-1\": invalid syntax");
}

TEST(InvalidOptions, NameTheirKindAndEachFault) {
  validation::FieldErrors errors;
  check_dry_run(errors, std::vector<std::string>{"All", "Some"});
  const Status status = invalid_options("DeleteOptions", errors);
  EXPECT_EQ(status.message(),
            "DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: "
            "[\"All\",\"Some\"]: supported values: "
            "\"All\"");
  EXPECT_EQ(status.details().kind, "DeleteOptions");
}

Result<Accept> accept(std::string value) {
  net::Headers headers;
  headers.add("Accept", std::move(value));
  return negotiate(headers, net::Query::parse(""), true);
}

TEST(Negotiation, TheFirstFormThatIsServedWins) {
  const auto got = accept("application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->form, Form::kTable);
  const auto fallback = accept("application/json;as=Table;v=v9;g=meta.k8s.io,application/json");
  ASSERT_TRUE(fallback);
  EXPECT_EQ(fallback->form, Form::kObject);
}

TEST(Negotiation, AnswersAreForEyesWhereSomebodyAsksOrABrowserDoes) {
  const auto pretty = [](std::string agent, std::string_view query) {
    net::Headers headers;
    headers.add("User-Agent", std::move(agent));
    return wants_pretty(headers, net::Query::parse(query));
  };
  EXPECT_TRUE(pretty("curl/8.0", ""));
  EXPECT_FALSE(pretty("curl/8.0", "pretty=false"));
  EXPECT_FALSE(pretty("kubelet", ""));
  EXPECT_TRUE(pretty("kubelet", "pretty"));
  EXPECT_TRUE(pretty("kubelet", "pretty=1"));
}

TEST(Negotiation, UnknownTypesAreRefused) {
  EXPECT_EQ(accept("text/html").error().code(), 406);
  EXPECT_EQ(accept("application/json;as=Nope;v=v1;g=meta.k8s.io").error().code(), 406);
}

TEST(Errors, StatusIsWrittenAsTheApiWritesIt) {
  EXPECT_EQ(
      status_body(not_found("apps", "deployments", "web")),
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"deployments.apps \"web\" not found",)"
      R"("reason":"NotFound","details":{"name":"web","group":"apps","kind":"deployments"},"code":404})");
}

TEST(ResourceTable, KeysAreThoseOfTheOriginal) {
  const ResourceTable table;
  const auto* pods = table.find("", "v1", "pods");
  ASSERT_NE(pods, nullptr);
  EXPECT_EQ(pods->store_key("default", "web"), "/registry/pods/default/web");
  EXPECT_EQ(table.find("", "v1", "services")->store_key("default", "web"),
            "/registry/services/specs/default/web");
  EXPECT_EQ(table.find("", "v1", "nodes")->store_key("", "n1"), "/registry/minions/n1");
}

TEST(ResourceTable, TwoVersionsOfAKindShareOneStore) {
  const ResourceTable table;
  EXPECT_EQ(table.find("autoscaling", "v1", "horizontalpodautoscalers")->storage,
            table.find("autoscaling", "v2", "horizontalpodautoscalers"));
  EXPECT_EQ(table.find("events.k8s.io", "v1", "events")->storage, table.find("", "v1", "events"));
}

}  // namespace
}  // namespace kpp::apiserver
