#include "api/openapi/openapi.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace kpp::api {
namespace {

const json::Value* at(const json::Value& document, std::initializer_list<std::string_view> path) {
  const json::Value* out = &document;
  for (const auto part : path) {
    if (out == nullptr || !out->is_object()) return nullptr;
    out = out->get_object().if_contains({part.data(), part.size()});
  }
  return out;
}

TEST(OpenApi, PathsNameTheKindsOfTheirOperations) {
  const auto document = *json::parse(openapi_v3("apps", "v1"));
  const auto* kind =
      at(document, {"paths", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "get",
                    "x-kubernetes-group-version-kind", "kind"});
  ASSERT_NE(kind, nullptr);
  EXPECT_EQ(*kind, "Deployment");
}

TEST(OpenApi, SchemasCarryMergeRulesAndDescriptions) {
  const auto document = *json::parse(openapi_v3("", "v1"));
  const auto* containers = at(document, {"components", "schemas", "io.k8s.api.core.v1.PodSpec",
                                         "properties", "containers"});
  ASSERT_NE(containers, nullptr);
  EXPECT_EQ(*at(*containers, {"x-kubernetes-patch-merge-key"}), "name");
  EXPECT_EQ(*at(*containers, {"x-kubernetes-list-type"}), "map");
  EXPECT_NE(at(*containers, {"description"}), nullptr);
}

TEST(OpenApi, EveryReferenceHasItsSchema) {
  const std::string text = openapi_v2();
  const auto document = *json::parse(text);
  const auto& definitions = document.get_object().at("definitions").get_object();
  constexpr std::string_view kPrefix = "\"#/definitions/";
  for (auto i = text.find(kPrefix); i != std::string::npos; i = text.find(kPrefix, i + 1)) {
    const auto begin = i + kPrefix.size();
    EXPECT_TRUE(definitions.contains(text.substr(begin, text.find('"', begin) - begin)));
  }
}

}  // namespace
}  // namespace kpp::api
