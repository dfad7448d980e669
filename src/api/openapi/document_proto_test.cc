#include "api/openapi/document_proto.h"

#include <gtest/gtest.h>

#include <vector>

namespace kpp::api {
namespace {

// The bytes of a field of a message, following numbers downwards; the first where there are many.
std::string at(std::string bytes, std::vector<std::uint32_t> numbers) {
  for (const auto wanted : numbers) {
    std::size_t i = 0;
    bool found = false;
    const auto varint = [&] {
      std::uint64_t out = 0;
      for (int shift = 0; i < bytes.size(); shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes[i++]);
        out |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      return out;
    };
    while (i < bytes.size() && !found) {
      const auto tag = varint();
      if ((tag & 7) != 2) {
        varint();
        continue;
      }
      const auto size = varint();
      if (tag >> 3 == wanted) {
        bytes = bytes.substr(i, size);
        found = true;
      } else {
        i += size;
      }
    }
    if (!found) return "absent";
  }
  return bytes;
}

std::string proto(std::string_view json) { return openapi_v2_proto(*json::parse(json)); }

TEST(OpenApiDocumentProto, DefinitionsAreNamedSchemas) {
  const std::string bytes = proto(R"({"swagger":"2.0","definitions":{"a.B":{"type":"object",
    "properties":{"c":{"$ref":"#/definitions/a.C"}},"required":["c"]}}})");
  EXPECT_EQ(at(bytes, {1}), "2.0");
  EXPECT_EQ(at(bytes, {9, 1, 1}), "a.B");
  EXPECT_EQ(at(bytes, {9, 1, 2, 22, 1}), "object");
  EXPECT_EQ(at(bytes, {9, 1, 2, 19}), "c");
  EXPECT_EQ(at(bytes, {9, 1, 2, 25, 1, 1}), "c");
  EXPECT_EQ(at(bytes, {9, 1, 2, 25, 1, 2, 1}), "#/definitions/a.C");
}

TEST(OpenApiDocumentProto, ExtensionsStandAsYaml) {
  const std::string bytes =
      proto(R"({"definitions":{"a":{"x-kubernetes-patch-merge-key":"name"}}})");
  EXPECT_EQ(at(bytes, {9, 1, 2, 31, 1}), "x-kubernetes-patch-merge-key");
  EXPECT_EQ(at(bytes, {9, 1, 2, 31, 2, 2}), "\"name\"\n");
}

TEST(OpenApiDocumentProto, AParameterIsWrappedByItsPlace) {
  const std::string bytes = proto(
      R"({"paths":{"/x":{"patch":{"operationId":"p","parameters":[{"name":"dryRun","in":"query"}],
    "responses":{"200":{"description":"OK","schema":{"$ref":"#/definitions/a"}}}},
    "parameters":[{"name":"name","in":"path","required":true}]}}})");
  EXPECT_EQ(at(bytes, {8, 2, 1}), "/x");
  EXPECT_EQ(at(bytes, {8, 2, 2, 8, 5}), "p");
  EXPECT_EQ(at(bytes, {8, 2, 2, 8, 8, 1, 2, 3, 4}), "dryRun");
  EXPECT_EQ(at(bytes, {8, 2, 2, 9, 1, 2, 4, 4}), "name");
  EXPECT_EQ(at(bytes, {8, 2, 2, 8, 9, 1, 2, 1, 2, 1, 1}), "#/definitions/a");
}

}  // namespace
}  // namespace kpp::api
