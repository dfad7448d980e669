#include <gtest/gtest.h>

#include <deque>
#include <utility>

#include "apiserver/admission/admission.h"
#include "apiserver/allocators.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/handlers/common.h"
#include "apiserver/watch_cache.h"

namespace kpp::apiserver {
namespace {

// Shows its watch what the test hands out, when the test does it.
class SlowStore final : public store::Store {
 public:
  explicit SlowStore(async::Executor& executor) : changed_(executor) {}

  void put(std::string key, std::string value) {
    store::Event event;
    event.entry = {std::move(key), std::make_shared<const std::string>(std::move(value)),
                   revision_ + 1, revision_ + 1};
    ++revision_;
    held_.push_back(std::move(event));
  }
  void show() {
    shown_.insert(shown_.end(), held_.begin(), held_.end());
    held_.clear();
    changed_.pulse();
  }
  // Forgets what no watch has taken yet.
  void compact_all() {
    for (const auto& event : held_) entries_.push_back(event.entry);
    held_.clear();
    compacted_ = revision_;
    changed_.pulse();
  }

  async::Task<Result<store::Revision>> write(store::Write, async::StopToken) override {
    co_return fail(Reason::kInternalError, "not written in this test");
  }
  async::Task<Result<std::optional<store::Entry>>> get(std::string, async::StopToken) override {
    co_return std::optional<store::Entry>();
  }
  async::Task<Result<store::RangeResult>> range(store::RangeOptions, async::StopToken) override {
    store::RangeResult out;
    out.entries = entries_;
    out.revision = revision_;
    co_return out;
  }
  Result<std::unique_ptr<store::Watch>> watch(std::string, store::Revision from) override {
    if (from < compacted_) return fail(Reason::kExpired, "compacted");
    return std::make_unique<SlowWatch>(*this);
  }
  bool shared() const override { return false; }
  async::Task<Result<store::Revision>> newest(async::StopToken) override { co_return revision_; }
  async::Task<Result<bool>> claim_compaction(store::Revision, async::StopToken) override {
    co_return true;
  }
  store::Revision revision() const override { return revision_; }
  store::Revision compacted_revision() const override { return compacted_; }
  async::Task<Status> compact(store::Revision, async::StopToken) override { co_return Status(); }
  async::Task<void> close() override { co_return; }

 private:
  class SlowWatch final : public store::Watch {
   public:
    explicit SlowWatch(SlowStore& store) : store_(store), from_(store.compacted_) {}
    async::Task<Result<store::WatchBatch>> next(async::StopToken stop) override {
      while (store_.shown_.empty()) {
        if (stop.stop_requested()) co_return fail(Reason::kCanceled, "stopped");
        if (from_ < store_.compacted_) co_return fail(Reason::kExpired, "compacted");
        co_await store_.changed_.wait(stop);
      }
      const store::Revision revision = store_.shown_.back().entry.mod_revision;
      co_return store::WatchBatch{std::exchange(store_.shown_, {}), revision};
    }

   private:
    SlowStore& store_;
    const store::Revision from_;
  };

  store::Revision revision_ = 0, compacted_ = 0;
  std::vector<store::Entry> entries_;
  std::vector<store::Event> held_, shown_;
  async::Event changed_;
};

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
  Admission admission(f.cache, f.table);
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
