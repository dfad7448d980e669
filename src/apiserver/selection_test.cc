#include <gtest/gtest.h>

#include "apiserver/testing/one_server.h"
#include "codec/base64.h"

namespace kpp::apiserver {
namespace {

TEST(Selection, EventsAreSelectedByTheNamesOfTheGroupThatIsAsked) {
  testing::OneServer server;
  ASSERT_EQ(server
                .call("POST", "/apis/events.k8s.io/v1/namespaces/default/events",
                      R"({"metadata":{"name":"e"},"eventTime":"2026-01-01T00:00:00.000000Z",
                            "reportingController":"tester","reportingInstance":"t-1","action":"Do",
                            "reason":"Done","type":"Normal",
                            "regarding":{"kind":"Pod","namespace":"default","name":"web"}})")
                .status,
            201);
  const auto found = [&](std::string_view group, std::string_view selector) {
    const auto answer =
        server.call("GET", cat(group, "/namespaces/default/events?fieldSelector=", selector));
    return answer.status == 200 ? answer.at("/items/0/metadata/name") : answer.at("/message");
  };
  constexpr std::string_view kCore = "/api/v1";
  constexpr std::string_view kEvents = "/apis/events.k8s.io/v1";
  EXPECT_EQ(found(kEvents, "reportingController=tester,regarding.name=web"), "e");
  EXPECT_EQ(found(kEvents, "regarding.name=db"), "");
  EXPECT_EQ(found(kCore, "reportingComponent=tester,involvedObject.name=web"), "e");
  EXPECT_EQ(found(kEvents, "involvedObject.name=web"),
            "field label not supported: involvedObject.name");
}

TEST(Continue, ATokenThatIsNoneSaysWhy) {
  testing::OneServer server;
  const auto refusal = [&](std::string token) {
    const auto answer =
        server.call("GET", "/api/v1/namespaces/default/configmaps?continue=" + std::move(token));
    EXPECT_EQ(answer.status, 400);
    return answer.at("/message");
  };
  const std::string invalid = "invalid continue token: continue key is not valid: ";
  EXPECT_EQ(refusal("bad"), invalid + "invalid character 'm' looking for beginning of value");
  EXPECT_EQ(refusal("b"), invalid + "illegal base64 data at input byte 0");
  EXPECT_EQ(refusal("a*"), invalid + "illegal base64 data at input byte 1");
  const auto at = [](std::string_view start) {
    return base64_url_encode(cat(R"({"v":"meta.k8s.io/v1","rv":5,"start":")", start, "\"}"));
  };
  EXPECT_EQ(refusal(at("../secrets/s")), invalid + "../secrets/s");
  EXPECT_EQ(refusal(at("a/./b")), invalid + "a/./b");
  EXPECT_EQ(refusal(at("")), invalid + "encoded start key empty (version meta.k8s.io/v1)");
}

}  // namespace
}  // namespace kpp::apiserver
