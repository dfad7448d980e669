#include <gtest/gtest.h>

#include "api/metav1.h"
#include "api/proto_codec.h"
#include "apiserver/testing/one_server.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kMaps = "/api/v1/namespaces/default/configmaps";
constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

class DeleteTest : public ::testing::Test {
 protected:
  void make(std::string_view name) {
    const auto made = server_.call(
        "POST", std::string(kMaps),
        cat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")", name, R"("}})"));
    ASSERT_EQ(made.status, 201) << made.body;
  }

  testing::OneServer server_;
};

TEST_F(DeleteTest, OptionsAreReadAsProtobuf) {
  make("kept");
  metav1::DeleteOptions options;
  options.dry_run = {"All"};
  const std::string body = api::to_envelope(metav1::DeleteOptions::desc(), &options);
  const auto answer = server_.call("DELETE", cat(kMaps, "/kept"), body, std::string(kProtobuf));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(server_.call("GET", cat(kMaps, "/kept")).status, 200);
}

TEST_F(DeleteTest, OptionsOfAGroupThatHasNoneOfItsOwnAreReadAsProtobuf) {
  make("gone");
  const metav1::DeleteOptions options;
  const std::string body = api::make_envelope("apps/v1", "DeleteOptions", api::to_proto(options));
  EXPECT_EQ(server_.call("DELETE", cat(kMaps, "/gone"), body, std::string(kProtobuf)).status, 200);
  EXPECT_EQ(server_.call("GET", cat(kMaps, "/gone")).status, 404);
}

TEST_F(DeleteTest, AnotherKindAsProtobufIsRefused) {
  make("kept");
  const std::string body = api::make_envelope("v1", "Pod", "");
  const auto answer = server_.call("DELETE", cat(kMaps, "/kept"), body, std::string(kProtobuf));
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.at("/message"),
            "no kind \"Pod\" is registered for version \"v1\" in scheme "
            "\"pkg/apis/meta/internalversion/scheme/register.go:27\"");
}

}  // namespace
}  // namespace kpp::apiserver
