// What etcd adds to the contract: several processes, members that come and go.
#include "store/etcd/etcd_store.h"

#include <gtest/gtest.h>

#include <map>

#include "store/testing/etcd_server.h"
#include "store/testing/pump_executor.h"

namespace kpp::store::testing {
namespace {

class EtcdStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = EtcdServer::missing(); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    server_.emplace();
    one_ = open(server_->options("/k"));
    other_ = open(server_->options("/k"));
    ASSERT_TRUE(one_ && other_);
  }
  void TearDown() override {
    for (auto* store : {one_.get(), other_.get()}) {
      if (store != nullptr) executor_.run(store->close());
    }
  }
  std::unique_ptr<Store> open(EtcdOptions options) {
    auto opened = executor_.run(open_etcd(executor_.io(), std::move(options), {}));
    EXPECT_TRUE(opened) << opened.error().to_string();
    return opened ? std::move(*opened) : nullptr;
  }
  Result<Revision> put(Store& store, std::string key, std::string value,
                       std::optional<Revision> expected = {}) {
    Write write{.key = std::move(key),
                .value = std::make_shared<const std::string>(std::move(value)),
                .expected_revision = expected};
    return executor_.run(store.write(std::move(write), {}));
  }

  PumpExecutor executor_;
  std::optional<EtcdServer> server_;
  std::unique_ptr<Store> one_, other_;
};

TEST_F(EtcdStoreTest, AWriteOfAnotherProcessIsSeenByTheNextRead) {
  const auto revision = put(*one_, "/a", "1");
  ASSERT_TRUE(revision);
  EXPECT_LT(other_->revision(), *revision);
  const auto newest = executor_.run(other_->newest({}));
  ASSERT_TRUE(newest);
  EXPECT_EQ(*newest, *revision);
  EXPECT_EQ(*(**executor_.run(other_->get("/a", {}))).value, "1");
}

TEST_F(EtcdStoreTest, OfTwoProcessesWithOneGuardOneWins) {
  const auto made = put(*one_, "/a", "1", 0);
  ASSERT_TRUE(made);
  EXPECT_EQ(put(*other_, "/a", "2", 0).error().reason(), Reason::kAlreadyExists);
  ASSERT_TRUE(put(*other_, "/a", "2", *made));
  EXPECT_EQ(put(*one_, "/a", "3", *made).error().reason(), Reason::kConflict);
}

TEST_F(EtcdStoreTest, AWatchSeesTheRevisionOfKeysThatAreNotOurs) {
  const auto foreign = open(server_->options("/elsewhere"));
  ASSERT_TRUE(foreign);
  const auto watch = one_->watch("/", 0);
  ASSERT_TRUE(watch);
  const auto revision = put(*foreign, "/a", "1");
  ASSERT_TRUE(revision);
  const auto next = executor_.run((*watch)->next({}));
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->events.empty());
  EXPECT_EQ(next->revision, *revision);
  executor_.run(foreign->close());
}

TEST_F(EtcdStoreTest, OfSeveralProcessesOneCompactsAtAnInterval) {
  ASSERT_TRUE(put(*one_, "/a", "1"));
  const auto claim = [&](Store& store) {
    return executor_.run(store.claim_compaction(store.revision(), {})).value_or(false);
  };
  EXPECT_TRUE(claim(*one_));
  EXPECT_FALSE(claim(*other_));  // sees that one had its turn
  EXPECT_TRUE(claim(*other_));
  EXPECT_FALSE(claim(*one_));
}

TEST_F(EtcdStoreTest, AnotherProcessCompactionEndsAWatchFromBefore) {
  ASSERT_TRUE(put(*one_, "/a", "1"));
  const Revision old = one_->revision();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(put(*one_, "/a", cat(i)));
  ASSERT_TRUE(executor_.run(one_->compact(one_->revision(), {})).ok());
  const auto watch = other_->watch("/", old);
  ASSERT_TRUE(watch);
  EXPECT_EQ(executor_.run((*watch)->next({})).error().reason(), Reason::kExpired);
}

TEST_F(EtcdStoreTest, AMemberThatIsNotThereIsLeftForAnother) {
  EtcdOptions options = server_->options("/k");
  options.endpoints.insert(options.endpoints.begin(), "https://127.0.0.1:1");
  const auto store = open(std::move(options));
  ASSERT_TRUE(store);
  EXPECT_TRUE(put(*store, "/a", "1"));
  executor_.run(store->close());
}

TEST_F(EtcdStoreTest, WithoutACertificateThereIsNoStore) {
  EtcdOptions options = server_->options("/k");
  options.certificate_pem.clear();
  options.key_pem.clear();
  options.connect_timeout = std::chrono::seconds(0);
  const auto opened = executor_.run(open_etcd(executor_.io(), std::move(options), {}));
  EXPECT_EQ(opened.error().reason(), Reason::kTimeout) << opened.error().to_string();
}

TEST_F(EtcdStoreTest, WhatIsTooLargeIsRefusedInTheWordsOfEtcd) {
  const auto refused = put(*one_, "/a", std::string(1'600'000, 'x'));
  EXPECT_EQ(refused.error().message(), "etcdserver: request is too large");
  EXPECT_EQ(refused.error().reason(), Reason::kUnknown);
  const auto unsent = put(*one_, "/a", std::string(3'000'000, 'x'));
  EXPECT_TRUE(unsent.error().message().starts_with(
      "rpc error: code = ResourceExhausted desc = trying to send message larger than max ("))
      << unsent.error().message();
}

// Writes numbers under keys of its own until told to end, and notes those that were acknowledged.
async::Task<int> write_on(Store* store, int writer, const bool* end,
                          std::map<std::string, std::string>* acknowledged) {
  int failures = 0;
  for (int i = 0; !*end; ++i) {
    const std::string key = cat("/load/", writer, "/", i % 10);
    const std::string value = cat(i);
    Write write{.key = key, .value = std::make_shared<const std::string>(value)};
    const auto done = co_await store->write(std::move(write), {});
    // What was not acknowledged may be there or not: the key counts no longer.
    if (done) {
      (*acknowledged)[key] = value;
    } else {
      ++failures;
      acknowledged->erase(key);
    }
  }
  co_return failures;
}

// Keeps what a watch says of keys.
async::Task<int> follow(Watch* watch, async::StopToken stop,
                        std::map<std::string, std::string>* seen, Revision* at) {
  while (true) {
    auto next = co_await watch->next(stop);
    if (!next) co_return next.error().is(Reason::kCanceled) ? 0 : 1;
    for (const auto& event : next->events) {
      EXPECT_GT(event.entry.mod_revision, *at);
      *at = event.entry.mod_revision;
      (*seen)[event.entry.key] = *event.entry.value;
    }
  }
}

TEST_F(EtcdStoreTest, AnEtcdThatIsKilledUnderLoadLosesNoAcknowledgedWrite) {
  std::map<std::string, std::string> acknowledged, seen;
  bool end = false;
  async::StopSource stop;
  Revision at = 0;
  const auto watch = one_->watch("/load/", 0);
  ASSERT_TRUE(watch);
  auto following = executor_.start(follow(watch->get(), stop.token(), &seen, &at));
  std::vector<PumpExecutor::Started<int>> writers;
  for (int i = 0; i < 8; ++i) {
    Store* store = i % 2 == 0 ? one_.get() : other_.get();
    writers.push_back(executor_.start(write_on(store, i, &end, &acknowledged)));
  }
  for (int round = 0; round < 3; ++round) {
    const Revision before = one_->revision();
    while (one_->revision() < before + 50) ASSERT_TRUE(executor_.run(one_->newest({})));
    server_->kill();
    // A write fails at once while nobody is there.
    const auto lost = put(*one_, "/lost", "1");
    EXPECT_EQ(lost.error().reason(), Reason::kUnknown);
    server_->start();
    while (!executor_.run(one_->newest({}))) {
    }
  }
  end = true;
  int failures = 0;
  for (auto& writer : writers) failures += executor_.wait(writer);
  EXPECT_GT(failures, 0);
  EXPECT_GT(acknowledged.size(), 0u);
  for (const auto& [key, value] : acknowledged) {
    const auto entry = executor_.run(other_->get(key, {}));
    ASSERT_TRUE(entry && *entry) << key;
    EXPECT_EQ(*(**entry).value, value) << key;
  }
  // The watch has gone on over every loss.
  ASSERT_TRUE(put(*one_, "/load/last", "end"));
  while (!seen.contains("/load/last")) ASSERT_TRUE(executor_.run(one_->newest({})));
  for (const auto& [key, value] : acknowledged) EXPECT_EQ(seen[key], value) << key;
  stop.request_stop();
  EXPECT_EQ(executor_.wait(following), 0);
}

}  // namespace
}  // namespace kpp::store::testing
