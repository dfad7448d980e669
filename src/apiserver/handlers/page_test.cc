// Pages of lists.
#include <gtest/gtest.h>

#include "api/metav1.h"
#include "api/proto_codec.h"
#include "apiserver/testing/one_server.h"

namespace kpp::apiserver {
namespace {

TEST(Page, TellsHowManyFollowInJsonAndInProtobuf) {
  testing::OneServer server;
  const std::string maps = "/api/v1/namespaces/default/configmaps";
  for (const char* name : {"a", "b", "c"}) {
    const auto made = server.call("POST", maps, cat(R"({"metadata":{"name":")", name, "\"}}"));
    ASSERT_EQ(made.status, 201) << made.body;
  }
  EXPECT_EQ(server.call("GET", maps + "?limit=1").at("/metadata/remainingItemCount"), "2");
  const auto told = [&](std::string_view query) {
    const auto answer = server.get_as("application/vnd.kubernetes.protobuf", cat(maps, query));
    EXPECT_EQ(answer.status, 200);
    const auto envelope = api::parse_envelope(answer.body);
    EXPECT_TRUE(envelope);
    // The first field of every list is its metadata, shorter than 128 bytes here.
    const std::string raw(envelope ? envelope->raw : "");
    EXPECT_EQ(raw.substr(0, 1), "\n");
    const auto meta = api::parse_proto<metav1::ListMeta>(
        raw.substr(2, static_cast<unsigned char>(raw.size() > 1 ? raw[1] : 0)));
    EXPECT_TRUE(meta);
    return meta ? meta->remaining_item_count : std::nullopt;
  };
  EXPECT_EQ(told("?limit=1"), 2);
  EXPECT_EQ(told("?limit=1&labelSelector=!x"), std::nullopt);
  EXPECT_EQ(told(""), std::nullopt);
}

}  // namespace
}  // namespace kpp::apiserver
