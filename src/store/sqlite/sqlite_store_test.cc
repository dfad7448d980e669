#include "store/sqlite/sqlite_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/database.h"
#include "store/sqlite/directory.h"
#include "store/testing/pump_executor.h"
#include "store/testing/temporary_directory.h"

namespace kpp::store::testing {
namespace {

class SqliteStoreTest : public ::testing::Test {
 protected:
  ~SqliteStoreTest() override {
    if (store_) executor_.run(store_->close());
  }
  Status open(SqliteOptions options) {
    if (store_) executor_.run(store_->close());
    store_.reset();
    auto opened = open_sqlite(executor_, std::move(options));
    if (!opened) return std::move(opened).error();
    store_ = std::move(*opened);
    return {};
  }
  Result<Revision> put(std::string key, std::string value) {
    return executor_.run(store_->write(
        {.key = std::move(key), .value = std::make_shared<const std::string>(std::move(value))},
        {}));
  }
  // Many at once, until all are answered; how many were taken.
  int put_many(int count, std::size_t size, Revision* last = nullptr) {
    std::vector<PumpExecutor::Started<Result<Revision>>> calls;
    for (int i = 0; i < count; ++i) {
      calls.push_back(executor_.start(store_->write(
          {.key = cat("/many/", i), .value = std::make_shared<const std::string>(size, 'x')}, {})));
    }
    int taken = 0;
    for (auto& call : calls) {
      const auto result = executor_.wait(call);
      if (!result) {
        EXPECT_EQ(result.error().reason(), Reason::kIo) << result.error().to_string();
      } else {
        ++taken;
        if (last != nullptr) *last = std::max(*last, *result);
      }
    }
    return taken;
  }

  TemporaryDirectory directory_;
  PumpExecutor executor_;
  std::unique_ptr<Store> store_;
};

int log_size(const std::string& directory) {
  struct stat st{};
  return ::stat(cat(directory, "/store.db-wal").c_str(), &st) == 0 ? static_cast<int>(st.st_size)
                                                                   : 0;
}

TEST_F(SqliteStoreTest, AWriteThatFindsTheDiskFullFailsAndTheStoreGoesOnWhenThereIsRoom) {
  ASSERT_TRUE(open({.path = directory_.path()}).ok());
  ASSERT_TRUE(put("/a", "1"));
  // A limit on the size of files stands for the full disk: write(2) fails in the same place.
  ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = static_cast<rlim_t>(log_size(directory_.path())) + 200'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Revision last = 1;
  int taken = 0;
  for (int round = 0; round < 10; ++round) {
    const int now = put_many(10, 4000, &last);
    taken += now;
  }
  const auto refused = put("/b", std::string(400'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_DFL);
  EXPECT_LT(taken, 100);
  EXPECT_EQ(last, taken + 1);
  EXPECT_FALSE(refused);

  const auto after = put("/c", "3");
  ASSERT_TRUE(after) << after.error().to_string();
  EXPECT_EQ(*after, last + 1);
  ASSERT_TRUE(open({.path = directory_.path()}).ok());
  EXPECT_EQ(store_->revision(), *after);
  const auto all = executor_.run(store_->range({.prefix = "/many/"}, {}));
  ASSERT_TRUE(all);
  EXPECT_LE(all->entries.size(), 10u);
}

TEST_F(SqliteStoreTest, AStoreAtItsMostBytesRefusesWritesUntilItIsCompacted) {
  ASSERT_TRUE(open({.path = directory_.path(), .max_bytes = 1 << 20}).ok());
  Status refused;
  Revision last = 0;
  for (int i = 0; i < 1000 && refused.ok(); ++i) {
    auto result = put("/a", std::string(10'000, 'x'));
    if (result) {
      last = *result;
    } else {
      refused = std::move(result).error();
    }
  }
  EXPECT_EQ(refused.reason(), Reason::kIo) << refused.to_string();
  EXPECT_GT(last, 50);
  EXPECT_EQ(store_->revision(), last);
  ASSERT_TRUE(executor_.run(store_->compact(last, {})).ok());
  EXPECT_TRUE(put("/a", std::string(10'000, 'x')));
}

TEST_F(SqliteStoreTest, TheLogStaysBoundedUnderWritesWithoutAPause) {
  ASSERT_TRUE(open({.path = directory_.path()}).ok());
  for (int round = 0; round < 100; ++round) EXPECT_EQ(put_many(64, 16'000), 64);
  EXPECT_LT(log_size(directory_.path()), 80 << 20);
}

TEST_F(SqliteStoreTest, AnInterruptedCompactionIsFinishedByTheNextOpening) {
  ASSERT_TRUE(open({.path = directory_.path()}).ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(put("/a", cat(i)));
  executor_.run(store_->close());
  store_.reset();
  {
    auto connection = Connection::open(data_file(directory_.path()), Connection::Use::kWrite);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->execute("UPDATE meta SET number = 20 WHERE name = 'compacted'").ok());
  }
  ASSERT_TRUE(open({.path = directory_.path()}).ok());
  ASSERT_TRUE(executor_.run(store_->compact(20, {})).ok());
  auto connection = Connection::open(data_file(directory_.path()), Connection::Use::kRead);
  ASSERT_TRUE(connection);
  EXPECT_EQ(*connection->query_number("SELECT count(*) FROM log"), 1);
  EXPECT_EQ(*connection->query_number("SELECT count(*) FROM value"), 1);
  EXPECT_EQ(*connection->query_number("SELECT revision FROM newest WHERE key = '/a'"), 20);
}

TEST_F(SqliteStoreTest, ALostValueIsReportedAsCorrupt) {
  ASSERT_TRUE(open({.path = directory_.path()}).ok());
  ASSERT_TRUE(put("/a", "1"));
  {
    auto connection = Connection::open(data_file(directory_.path()), Connection::Use::kWrite);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->execute("DELETE FROM value").ok());
  }
  const auto got = executor_.run(store_->get("/a", {}));
  EXPECT_EQ(got.error().reason(), Reason::kCorrupt);
  const auto all = executor_.run(store_->range({}, {}));
  EXPECT_EQ(all.error().reason(), Reason::kCorrupt);
}

TEST_F(SqliteStoreTest, ASlowWatcherExpiresAndAQuietOneDoesNot) {
  ASSERT_TRUE(open({.path = directory_.path(), .recent_events = 10}).ok());
  const auto slow = store_->watch("/busy", 0);
  const auto quiet = store_->watch("/quiet", 0);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(put("/busy", cat(i)));
  EXPECT_EQ(executor_.run((*slow)->next({})).error().reason(), Reason::kExpired);
  ASSERT_TRUE(put("/quiet", "x"));
  const auto next = executor_.run((*quiet)->next({}));
  ASSERT_TRUE(next);
  ASSERT_EQ(next->events.size(), 1u);
  EXPECT_EQ(next->events.front().entry.key, "/quiet");
}

TEST_F(SqliteStoreTest, AWatchMayOutliveItsStore) {
  ASSERT_TRUE(open({.path = directory_.path()}).ok());
  auto watch = store_->watch("/a", 0);
  ASSERT_TRUE(watch);
  executor_.run(store_->close());
  store_.reset();
  const auto next = executor_.run((*watch)->next({}));
  EXPECT_EQ(next.error().reason(), Reason::kCanceled);
}

}  // namespace
}  // namespace kpp::store::testing
