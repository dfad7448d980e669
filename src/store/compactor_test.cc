#include "store/compactor.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace kpp::store {
namespace {

using std::chrono::minutes;

// Holds revisions only.
class RevisionsOnly final : public Store {
 public:
  async::Task<Result<Revision>> write(Write, async::StopToken) override { co_return ++written; }
  async::Task<Result<std::optional<Entry>>> get(std::string, async::StopToken) override {
    co_return std::nullopt;
  }
  async::Task<Result<RangeResult>> range(RangeOptions, async::StopToken) override {
    co_return RangeResult{};
  }
  Result<std::unique_ptr<Watch>> watch(std::string, Revision) override {
    return fail(Reason::kCanceled, "no watches here");
  }
  bool shared() const override { return false; }
  async::Task<Result<Revision>> newest(async::StopToken) override { co_return written; }
  Revision revision() const override { return written; }
  Revision compacted_revision() const override { return compacted; }
  async::Task<Result<bool>> claim_compaction(Revision, async::StopToken) override {
    co_return ours;
  }
  async::Task<Status> compact(Revision revision, async::StopToken) override {
    ++calls;
    if (!healthy) co_return Status(Reason::kIo, "no space");
    compacted = revision;
    co_return Status();
  }
  async::Task<void> close() override { co_return; }

  Revision written = 0;
  Revision compacted = 0;
  int calls = 0;
  bool healthy = true;
  bool ours = true;
};

class CompactorTest : public ::testing::Test {
 protected:
  CompactorTest() {
    compactor_.start();
    executor_.run_until_idle();
  }
  ~CompactorTest() override {
    async::Scope scope(executor_);
    scope.spawn(compactor_.stop());
    executor_.run_until_idle();
  }
  async::ManualExecutor executor_;
  RevisionsOnly store_;
  LogSink sink_{STDERR_FILENO};
  Compactor compactor_{executor_, store_, Logger(sink_, "compactor")};
};

TEST_F(CompactorTest, CompactsToTheRevisionOfAnIntervalAgo) {
  store_.written = 10;
  executor_.advance(minutes(5));
  EXPECT_EQ(store_.calls, 0);
  store_.written = 20;
  executor_.advance(minutes(5));
  EXPECT_EQ(store_.compacted, 10);
  executor_.advance(minutes(5));
  EXPECT_EQ(store_.compacted, 20);
}

TEST_F(CompactorTest, LeavesAnIdleStoreAlone) {
  store_.written = 10;
  executor_.advance(minutes(60));
  EXPECT_EQ(store_.calls, 1);
}

TEST_F(CompactorTest, TriesAgainAfterAFailure) {
  store_.written = 10;
  store_.healthy = false;
  executor_.advance(minutes(10));
  EXPECT_EQ(store_.calls, 1);
  EXPECT_EQ(store_.compacted, 0);
  store_.healthy = true;
  executor_.advance(minutes(5));
  EXPECT_EQ(store_.compacted, 10);
}

}  // namespace
}  // namespace kpp::store
