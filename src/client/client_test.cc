#include "client/client.h"

#include <gtest/gtest.h>

#include "api/corev1.h"
#include "async/scope.h"
#include "client/status_decoder.h"
#include "client/testing/fake_api.h"
#include "client/watch_decoder.h"

namespace kpp::client {
namespace {

class ClientTest : public ::testing::Test {
 protected:
  // Runs a task to its end.
  template <class T>
  static async::Task<void> store(async::Task<T> task, std::optional<T>* out) {
    out->emplace(co_await std::move(task));
  }
  template <class T>
  T wait(async::Task<T> task) {
    std::optional<T> out;
    async::Scope scope(executor_);
    scope.spawn(store(std::move(task), &out));
    executor_.advance(std::chrono::seconds(60));
    return std::move(*out);
  }
  static corev1::ConfigMap make_map(const std::string& name) {
    corev1::ConfigMap map;
    map.metadata.name = name;
    map.metadata.namespace_ = "default";
    return map;
  }

  async::ManualExecutor executor_;
  testing::FakeApi api_{executor_};
  Client client_{api_.transport(), "test", {}, &executor_};
};

TEST_F(ClientTest, CreatesReadsUpdatesAndRemoves) {
  auto created = wait(client_.create(make_map("a"), {}));
  ASSERT_TRUE(created.has_value());
  EXPECT_FALSE(created->metadata.uid.empty());
  created->data["k"] = "v";
  auto updated = wait(client_.update(*created, {}));
  ASSERT_TRUE(updated.has_value());
  auto stale = wait(client_.update(*created, {}));
  ASSERT_TRUE(stale.has_value() || stale.error().is(Reason::kConflict));
  auto got = wait(client_.get<corev1::ConfigMap>({"default", "a"}, {}));
  EXPECT_EQ(got->data.at("k"), "v");
  auto listed = wait(client_.list_all<corev1::ConfigMap>("default", {}, {}));
  EXPECT_EQ(listed->size(), 1u);
  EXPECT_TRUE(wait(client_.remove<corev1::ConfigMap>({"default", "a"}, {}, {})).ok());
  auto gone = wait(client_.get<corev1::ConfigMap>({"default", "a"}, {}));
  EXPECT_TRUE(gone.error().is(Reason::kNotFound));
  EXPECT_EQ(gone.error().message(), "configmaps \"a\" not found");
  EXPECT_EQ(gone.error().details().kind, "configmaps");
}

TEST_F(ClientTest, WaitsAndTriesAgainWhenTheServerAsks) {
  StatusDetails details;
  details.retry_after_seconds = 2;
  api_.fail_next("GET", "", Status(Reason::kTooManyRequests, "slow down", details), 2);
  auto listed = wait(client_.list_all<corev1::ConfigMap>("default", {}, {}));
  EXPECT_TRUE(listed.has_value());
  EXPECT_EQ(api_.requests().size(), 3u);
}

TEST(StatusDecoder, ReadsReasonDetailsAndCauses) {
  const auto status =
      decode_status(422, R"({"kind":"Status","message":"m","reason":"Invalid","code":422,
      "details":{"name":"n","kind":"Pod","causes":[{"reason":"FieldValueRequired","message":"x","field":"spec"}]}})");
  EXPECT_TRUE(status.is(Reason::kInvalid));
  EXPECT_EQ(status.details().causes.at(0).field, "spec");
  EXPECT_TRUE(decode_status(502, "bad gateway").is(Reason::kInternalError));
  EXPECT_EQ(decode_status(403, "no").message(), "no");
}

TEST(WatchDecoder, EventsComeOutOfPiecesAndErrorsAsErrors) {
  WatchDecoder decoder(corev1::ConfigMap::desc());
  decoder.feed(R"({"type":"ADDED","object":{"metadata":{"na)");
  EXPECT_FALSE(decoder.has_line());
  decoder.feed(
      "me\":\"a\"}}}\n{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,"
      "\"reason\":\"Expired\",\"message\":\"too old\"}}\n");
  ASSERT_TRUE(decoder.has_line());
  auto event = decoder.take();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->object.as<corev1::ConfigMap>()->metadata.name, "a");
  auto error = decoder.take();
  EXPECT_TRUE(error.error().is(Reason::kExpired));
  EXPECT_FALSE(decoder.has_line());
}

}  // namespace
}  // namespace kpp::client
