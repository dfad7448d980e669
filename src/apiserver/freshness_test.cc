#include <gtest/gtest.h>

#include <optional>

#include "apiserver/admission/plugins.h"
#include "apiserver/allocators.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/testing/slow_store.h"
#include "apiserver/watch_cache.h"

namespace kpp::apiserver {
namespace {

using testing::SlowStore;

constexpr std::string_view kKey = "/registry/configmaps/default/a";
constexpr std::string_view kValue =
    R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default"}})";

struct Fixture {
  async::ManualExecutor executor;
  SlowStore store{executor};
  ResourceTable table;
  LogSink sink{2};
  Logger log{sink, "test"};
  WatchCache cache{executor, store, table, log};
  async::Scope scope{executor};

  Fixture() {
    scope.spawn(start());
    executor.run_until_idle();
  }
  ~Fixture() {
    scope.spawn(cache.stop());
    executor.run_until_idle();
  }
  async::Task<void> start() { EXPECT_TRUE((co_await cache.start({})).ok()); }
  const ServedResource& config_maps() const { return *table.find("", "v1", "configmaps"); }
};

async::Task<void> keep_status(async::Task<Status> task, std::optional<Status>* out) {
  out->emplace(co_await std::move(task));
}

// A handler's call of config maps, over the fixture's store.
struct CallFixture : Fixture {
  Authorizer authorizer{cache, table};
  Admission admission{cache, table, {}};
  std::unique_ptr<Allocators> allocators =
      std::move(Allocators::make(cache, table, "10.96.0.0/16").value());
  Core core{executor,  store,       cache,   table,   authorizer,
            admission, *allocators, nullptr, nullptr, log};
  Call call{core, {}, {}, {}, {}, &config_maps(), nullptr, {}, {}, {}, {}};
};

async::Task<void> keep_response(async::Task<net::Response> task,
                                std::optional<net::Response>* out) {
  out->emplace(co_await std::move(task));
}

async::Task<void> keep_frame(net::BodySource& source, std::optional<std::string>* out) {
  const auto frame = co_await source.next({});
  out->emplace(frame && *frame ? **frame : std::string());
}

TEST(Watch, OneThatBeginsNowIsNotShownWhatWasWrittenBeforeItBegan) {
  CallFixture f;
  f.call.info.verb = "watch";
  f.call.query = net::Query::parse(
      "watch=1&timeoutSeconds=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&"
      "resourceVersion=0");
  f.store.put(std::string(kKey), std::string(kValue));
  std::optional<net::Response> response;
  f.scope.spawn(keep_response(handle_watch(f.call), &response));
  f.executor.run_until_idle();
  f.store.show();
  f.executor.run_until_idle();
  ASSERT_TRUE(response.has_value());
  ASSERT_NE(response->stream, nullptr) << response->body_text();
  std::optional<std::string> frame;
  f.scope.spawn(keep_frame(*response->stream, &frame));
  f.executor.advance(std::chrono::seconds(1));
  EXPECT_EQ(frame, "");
}

TEST(Freshen, AReadOfAServerThatIsBehindForLongIsAnsweredAllTheSame) {
  CallFixture f;
  Call& call = f.call;
  f.store.put(std::string(kKey), std::string(kValue));
  std::optional<Status> status;
  f.scope.spawn(keep_status(freshen(call), &status));
  f.executor.advance(std::chrono::seconds(20));
  EXPECT_FALSE(status.has_value());
  f.store.show();
  f.executor.run_until_idle();
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(status->ok()) << status->message();
  EXPECT_NE(f.cache.cache(f.config_maps()).find(kKey), nullptr);
}

TEST(WatchCache, AHistoryThatTheStoreForgotIsReadAgainAndWatchersAreCutOff) {
  Fixture f;
  auto subscription = f.cache.subscribe(f.config_maps(), f.cache.revision());
  ASSERT_TRUE(subscription);
  f.store.put(std::string(kKey), std::string(kValue));
  f.store.compact_all();
  f.executor.run_until_idle();
  EXPECT_EQ(f.cache.revision(), f.store.revision());
  EXPECT_NE(f.cache.cache(f.config_maps()).find(kKey), nullptr);
  EXPECT_TRUE((*subscription)->watcher().overflowed());
  EXPECT_FALSE(f.cache.subscribe(f.config_maps(), 0));
}

}  // namespace
}  // namespace kpp::apiserver
