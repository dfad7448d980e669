#include "apiserver/watch_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "async/executor.h"
#include "store/sqlite/sqlite_store.h"
#include "store/testing/pump_executor.h"
#include "store/testing/temporary_directory.h"

namespace kpp::apiserver {
namespace {

class WatchCacheTest : public ::testing::Test {
 protected:
  WatchCacheTest() {
    auto opened = store::open_sqlite(executor_, {.path = cat(directory_.path(), "/store")});
    EXPECT_TRUE(opened.has_value());
    store_ = std::move(*opened);
    cache_ = std::make_unique<WatchCache>(executor_, *store_, table_, Logger(sink_, "cache"));
    EXPECT_TRUE(executor_.run(cache_->start({})).ok());
  }
  ~WatchCacheTest() override {
    executor_.run(cache_->stop());
    executor_.run(store_->close());
  }

  static std::string config_map(std::string_view name) {
    return cat(R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":")", name,
               R"(","namespace":"default","labels":{"app":"web"}}})");
  }
  store::Revision write(const std::string& name,
                        std::optional<store::Revision> expected = std::nullopt) {
    store::Write write{.key = key(name),
                       .value = std::make_shared<const std::string>(config_map(name)),
                       .expected_revision = expected};
    auto revision = executor_.run(store_->write(std::move(write), {}));
    EXPECT_TRUE(revision.has_value());
    return *revision;
  }
  std::string key(std::string_view name) const { return maps_.store_key("default", name); }
  CachedRef made(std::string_view name, store::Revision revision) const {
    return WatchCache::make_object(maps_, config_map(name), revision);
  }
  CachedRef cached(std::string_view name) {
    executor_.drain();
    return cache_->cache(maps_).find(key(name));
  }

  store::testing::PumpExecutor executor_;
  store::testing::TemporaryDirectory directory_;
  LogSink sink_{STDERR_FILENO};
  ResourceTable table_;
  const ServedResource& maps_ = *table_.find("", "v1", "configmaps");
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<WatchCache> cache_;
};

TEST_F(WatchCacheTest, AnObjectMadeFromTheTypedOneIsTheOneMadeFromItsBytes) {
  const std::string stored = config_map("a");
  api::Object typed(*maps_.type);
  auto* meta = api::metadata(typed);
  meta->name = "a";
  meta->namespace_ = "default";
  meta->labels["app"] = "web";
  const CachedRef one = WatchCache::make_object(maps_, typed, stored, 7);
  const CachedRef other = WatchCache::make_object(maps_, stored, 7);
  EXPECT_EQ(*one->json, *other->json);
  EXPECT_NE(one->json->find(R"("resourceVersion":"7")"), std::string::npos);
  EXPECT_EQ(one->labels, other->labels);
  EXPECT_EQ(one->name, other->name);
  EXPECT_EQ(one->namespace_, other->namespace_);
}

TEST_F(WatchCacheTest, WhatAHandlerOffersIsWhatTheCacheHolds) {
  // Offered before the store's event has reached the cache.
  auto subscription = cache_->subscribe(maps_, cache_->revision());
  const CachedRef offered = made("a", store_->revision() + 1);
  cache_->offer(key("a"), offered);
  EXPECT_EQ(write("a"), offered->revision);
  EXPECT_EQ(cached("a"), offered);
}

TEST_F(WatchCacheTest, AnOfferForAnotherKeyOrAPastRevisionIsNotTaken) {
  cache_->offer(key("other"), made("other", store_->revision() + 1));
  const auto revision = write("a");
  const CachedRef held = cached("a");
  ASSERT_TRUE(held);
  EXPECT_EQ(held->name, "a");
  EXPECT_EQ(cached("other"), nullptr);
  cache_->offer(key("a"), made("b", revision));
  EXPECT_EQ(cached("a"), held);
}

TEST_F(WatchCacheTest, AWatcherThatDoesNotDrainIsCutOffAndOthersAreNot) {
  constexpr int kBatch = 600;
  constexpr int kEvents = 7 * kBatch;  // more than a watcher may leave in its queue
  auto slow = cache_->subscribe(maps_, cache_->revision());
  ASSERT_TRUE(slow.has_value());
  auto quick = cache_->subscribe(maps_, cache_->revision());
  ASSERT_TRUE(quick.has_value());
  int seen = 0;
  while (seen < kEvents) {
    std::vector<store::testing::PumpExecutor::Started<Result<store::Revision>>> writes;
    for (int i = 0; i < kBatch; ++i) {
      writes.push_back(executor_.start(store_->write(
          {.key = key("a"), .value = std::make_shared<const std::string>(config_map("a"))}, {})));
    }
    for (auto& started : writes) ASSERT_TRUE(executor_.wait(started).has_value());
    for (int i = 0; i < kBatch; ++i) {
      ASSERT_TRUE(executor_.run((*quick)->watcher().next(TimePoint::max(), executor_, {})));
      ++seen;
    }
  }
  EXPECT_TRUE((*slow)->watcher().overflowed());
  EXPECT_FALSE((*quick)->watcher().overflowed());
  EXPECT_EQ(executor_.run((*slow)->watcher().next(TimePoint::max(), executor_, {})), nullptr);
}

TEST(CacheWatcher, IsCutOffByTheBytesThatWaitForIt) {
  async::ManualExecutor executor;
  CacheWatcher watcher(executor);
  auto object = std::make_shared<CachedObject>();
  object->json = std::make_shared<const std::string>(std::string(1u << 20, 'x'));
  auto event = std::make_shared<CacheEvent>();
  event->object = object;
  for (int i = 0; i < 64; ++i) watcher.push(event);
  EXPECT_FALSE(watcher.overflowed());  // as many as a window holds at least
  watcher.push(event);
  EXPECT_TRUE(watcher.overflowed());
}

}  // namespace
}  // namespace kpp::apiserver
