// The media type that refusals and acknowledgements come in, and documents of OpenAPI.
#include "apiserver/status_form.h"

#include <gtest/gtest.h>

#include "api/metav1.h"
#include "api/proto_codec.h"
#include "apiserver/errors.h"
#include "apiserver/openapi.h"

namespace kpp::apiserver {
namespace {

net::Response refusal() {
  return net::Response::text(404, "application/json",
                             status_body(not_found("", "pods", "web")) + "\n");
}

net::Response formed(const std::string& accept, bool pretty = false) {
  net::Response out = refusal();
  give_status_its_form(out, accept, pretty);
  return out;
}

TEST(StatusForm, IsProtobufWhereThatIsAccepted) {
  const auto answer = formed("application/vnd.kubernetes.protobuf,application/json");
  EXPECT_EQ(answer.headers.get("Content-Type"), "application/vnd.kubernetes.protobuf");
  const auto envelope = api::parse_envelope(answer.body_text());
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->kind, "Status");
  EXPECT_EQ(envelope->api_version, "v1");
  const auto status = api::parse_proto<metav1::Status>(envelope->raw);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->message, "pods \"web\" not found");
  EXPECT_EQ(status->code, 404);
  ASSERT_TRUE(status->details);
  EXPECT_EQ(status->details->name, "web");
}

TEST(StatusForm, IsThatOfTheFirstPlainTypeWhateverFormObjectsAreWantedIn) {
  EXPECT_EQ(formed("application/json;as=Table;v=v1;g=meta.k8s.io,application/yaml")
                .headers.get("Content-Type"),
            "application/yaml");
  EXPECT_EQ(
      formed("application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
          .body_text(),
      refusal().body_text());
}

TEST(StatusForm, StaysJsonWhereNothingFits) {
  EXPECT_EQ(formed("text/html").body_text(), refusal().body_text());
  EXPECT_EQ(formed("").body_text(), refusal().body_text());
}

TEST(StatusForm, IsForEyesWhereSomebodyLooks) {
  EXPECT_NE(formed("*/*", true).body_text().find("\n  \"message\": "), std::string::npos);
}

TEST(StatusForm, LeavesObjectsAlone) {
  net::Response pod = net::Response::text(200, "application/json", R"({"kind":"Pod"})");
  give_status_its_form(pod, "application/vnd.kubernetes.protobuf", false);
  EXPECT_EQ(pod.body_text(), R"({"kind":"Pod"})");
}

class OpenApiTest : public ::testing::Test {
 protected:
  std::optional<net::Response> get(std::string path, std::string query = "",
                                   std::string accept = "application/json") {
    net::Request request;
    request.method = "GET";
    request.path = std::move(path);
    request.query = std::move(query);
    request.headers.add("Accept", std::move(accept));
    return openapi_.answer(request, WallTime());
  }
  // The hash under which the index names a document.
  std::string hash_of(std::string_view name) {
    const std::string index = get("/openapi/v3")->body_text();
    const std::string before = cat("/openapi/v3/", name, "?hash=");
    const auto at = index.find(before);
    EXPECT_NE(at, std::string::npos) << index;
    return index.substr(at + before.size(), 128);
  }

  ResourceTable table_;
  OpenApi openapi_{table_};
};

TEST_F(OpenApiTest, ADocumentUnderItsHashIsForGood) {
  const auto answer = get("/openapi/v3/apis/apps/v1", "hash=" + hash_of("apis/apps/v1"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers.get("Cache-Control"), "public, immutable");
  EXPECT_EQ(answer->headers.get("Expires"), "Fri, 01 Jan 1971 00:00:00 UTC");
  EXPECT_EQ(answer->headers.get("ETag"), cat("\"", hash_of("apis/apps/v1"), "\""));
}

TEST_F(OpenApiTest, AnotherHashLeadsToTheDocument) {
  const auto answer = get("/openapi/v3/apis/apps/v1", "hash=OLD");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 301);
  EXPECT_EQ(answer->headers.get("Location"),
            cat("/openapi/v3/apis/apps/v1?hash=", hash_of("apis/apps/v1")));
}

TEST_F(OpenApiTest, WithoutAHashNothingIsForGood) {
  const auto answer = get("/openapi/v3/api/v1");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.find("Expires"), nullptr);
}

TEST_F(OpenApiTest, TypesThatAreNotServedAreRefused) {
  EXPECT_EQ(get("/openapi/v3/api/v1", "", "text/html")->status, 406);
}

}  // namespace
}  // namespace kpp::apiserver
