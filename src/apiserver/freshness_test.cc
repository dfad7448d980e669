#include <gtest/gtest.h>

#include <optional>

#include "apiserver/admission/plugins.h"
#include "apiserver/allocators.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/handlers/common.h"
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

TEST(Freshen, AReadOfAServerThatIsBehindForLongIsAnsweredAllTheSame) {
  Fixture f;
  Authorizer authorizer(f.cache, f.table);
  Admission admission(f.cache, f.table, {});
  const auto allocators = Allocators::make(f.cache, f.table, "10.96.0.0/16");
  ASSERT_TRUE(allocators);
  Core core{f.executor, f.store,      f.cache, f.table, authorizer,
            admission,  **allocators, nullptr, nullptr, f.log};
  Call call{core, {}, {}, {}, {}, &f.config_maps(), nullptr, {}, {}, {}, {}};
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
