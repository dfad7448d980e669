// What every store must do. Included by store_contract_test.cc, which names the stores.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/store.h"
#include "store/testing/pump_executor.h"
#include "store/testing/temporary_directory.h"

namespace kpp::store::testing {

struct StoreFactory {
  std::string name;
  // What this machine lacks to test the store, in words; empty: nothing.
  std::function<std::string()> missing;
  // Opens the store kept in a directory; an empty one the first time. Where watches read from
  // memory it is to hold at most `recent_events`.
  std::function<Result<std::unique_ptr<Store>>(PumpExecutor&, const std::string& directory,
                                               std::size_t recent_events)>
      open;
};

// Revisions are counted from where the store is when a test begins: the test's first write is 1.
class StoreContract : public ::testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override {
    if (const std::string missing = GetParam().missing(); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    reopen();
    if (store_) base_ = store_->revision();
  }
  void TearDown() override { close(); }

  void close() {
    if (store_) executor_.run(store_->close());
    store_.reset();
  }
  void reopen(std::size_t recent_events = 10'000) {
    close();
    auto opened = GetParam().open(executor_, directory_.path(), recent_events);
    ASSERT_TRUE(opened) << opened.error().to_string();
    store_ = std::move(*opened);
  }
  // The store's revision of one of this test, and the other way round. 0 is 0 in writes' guards.
  Revision at(Revision of_test) const { return base_ + of_test; }
  Revision since(Revision of_store) const { return of_store - base_; }
  Result<Revision> write(std::string key, std::optional<std::string> value,
                         std::optional<Revision> expected = {}) {
    Write out{.key = std::move(key), .expected_revision = expected};
    if (expected && *expected != 0) out.expected_revision = at(*expected);
    if (value) out.value = std::make_shared<const std::string>(std::move(*value));
    auto revision = executor_.run(store_->write(std::move(out), {}));
    if (!revision) return revision;
    return since(*revision);
  }
  Revision put(std::string key, std::string value) {
    auto out = write(std::move(key), std::move(value));
    EXPECT_TRUE(out) << out.error().to_string();
    return out.value_or(-1);
  }
  Revision remove(std::string key) {
    auto out = write(std::move(key), std::nullopt);
    EXPECT_TRUE(out) << out.error().to_string();
    return out.value_or(-1);
  }
  std::optional<Entry> get(std::string key) {
    auto out = executor_.run(store_->get(std::move(key), {}));
    EXPECT_TRUE(out) << out.error().to_string();
    if (!out || !*out) return std::nullopt;
    (*out)->create_revision -= base_;
    (*out)->mod_revision -= base_;
    return *out;
  }
  Result<RangeResult> range(RangeOptions options) {
    if (options.at_revision != 0) options.at_revision = at(options.at_revision);
    auto out = executor_.run(store_->range(std::move(options), {}));
    if (out) out->revision -= base_;
    return out;
  }
  Revision revision() const { return since(store_->revision()); }
  Status compact(Revision revision) { return executor_.run(store_->compact(at(revision), {})); }
  // "key=value ..." of a range.
  std::string list(RangeOptions options) {
    auto out = range(std::move(options));
    if (!out) return out.error().to_string();
    std::string text;
    for (const auto& entry : out->entries) {
      text += (text.empty() ? "" : " ") + entry.key + "=" + *entry.value;
    }
    return text;
  }
  std::unique_ptr<Watch> watch(std::string prefix, Revision from = 0) {
    auto out = store_->watch(std::move(prefix), from == 0 ? 0 : at(from));
    EXPECT_TRUE(out) << out.error().to_string();
    return out ? std::move(*out) : nullptr;
  }
  // The next `count` events as "1:+key=value" and "2:-key".
  std::vector<std::string> events(Watch& from, std::size_t count) {
    std::vector<std::string> out;
    while (out.size() < count) {
      auto next = executor_.run(from.next({}));
      if (!next) {
        out.push_back(std::string(reason_text(next.error().reason())));
        return out;
      }
      for (const auto& event : next->events) {
        const bool put_event = event.type == Event::Type::kPut;
        out.push_back(cat(since(event.entry.mod_revision), put_event ? ":+" : ":-", event.entry.key,
                          put_event ? "=" : "", put_event ? *event.entry.value : ""));
      }
    }
    return out;
  }

  // Why a watch from a revision ends: told when it is made or by its first answer.
  Reason end_of_watch(std::string prefix, Revision from) {
    auto made = store_->watch(std::move(prefix), at(from));
    if (!made) return made.error().reason();
    auto next = executor_.run((*made)->next({}));
    return next ? Reason::kUnknown : next.error().reason();
  }

  TemporaryDirectory directory_;
  PumpExecutor executor_;
  std::unique_ptr<Store> store_;
  Revision base_ = 0;
};

using Texts = std::vector<std::string>;

TEST_P(StoreContract, FirstWriteHasRevisionOneAndEachNextOneMore) {
  EXPECT_EQ(revision(), 0);
  EXPECT_EQ(put("/a", "1"), 1);
  EXPECT_EQ(put("/b", "2"), 2);
  EXPECT_EQ(put("/a", "3"), 3);
  EXPECT_EQ(revision(), 3);
}

TEST_P(StoreContract, GetGivesTheNewestValueAndItsRevisions) {
  put("/a", "1");
  put("/b", "");
  put("/a", std::string("bin\0ary", 7));
  const auto a = get("/a");
  ASSERT_TRUE(a);
  EXPECT_EQ(*a->value, std::string("bin\0ary", 7));
  EXPECT_EQ(a->create_revision, 1);
  EXPECT_EQ(a->mod_revision, 3);
  ASSERT_TRUE(get("/b"));
  EXPECT_EQ(*get("/b")->value, "");
  EXPECT_FALSE(get("/"));
}

TEST_P(StoreContract, GuardsDecideByThePresentState) {
  EXPECT_EQ(write("/a", "x", 7).error().reason(), Reason::kNotFound);
  EXPECT_EQ(*write("/a", "1", 0), 1);
  EXPECT_EQ(write("/a", "2", 0).error().reason(), Reason::kAlreadyExists);
  EXPECT_EQ(write("/a", "2", 5).error().reason(), Reason::kConflict);
  EXPECT_EQ(*write("/a", "2", 1), 2);
  EXPECT_EQ(write("/a", std::nullopt, 1).error().reason(), Reason::kConflict);
  EXPECT_EQ(*write("/a", std::nullopt, 2), 3);
  EXPECT_EQ(write("/a", "3", 3).error().reason(), Reason::kNotFound);
  EXPECT_EQ(*write("/a", "3", 0), 4);
  EXPECT_EQ(get("/a")->create_revision, 4);
  EXPECT_EQ(revision(), 4);
}

TEST_P(StoreContract, DeletingWhatIsNotThereIsNotFound) {
  EXPECT_EQ(write("/a", std::nullopt).error().reason(), Reason::kNotFound);
  put("/a", "1");
  remove("/a");
  EXPECT_EQ(write("/a", std::nullopt).error().reason(), Reason::kNotFound);
  EXPECT_FALSE(get("/a"));
}

TEST_P(StoreContract, OfTwoWritersWithOneGuardExactlyOneWins) {
  put("/a", "0");
  for (Revision guard = 1; guard <= 20; ++guard) {
    std::vector<PumpExecutor::Started<Result<Revision>>> writers;
    for (int i = 0; i < 8; ++i) {
      writers.push_back(
          executor_.start(store_->write({.key = "/a",
                                         .value = std::make_shared<const std::string>(cat(i)),
                                         .expected_revision = at(guard)},
                                        {})));
    }
    int won = 0;
    for (auto& writer : writers) {
      const auto result = executor_.wait(writer);
      if (result) {
        ++won;
      } else {
        EXPECT_EQ(result.error().reason(), Reason::kConflict);
      }
    }
    EXPECT_EQ(won, 1);
    EXPECT_EQ(revision(), guard + 1);
  }
}

TEST_P(StoreContract, AFailedGuardDoesNotTouchWritesBesideIt) {
  std::vector<PumpExecutor::Started<Result<Revision>>> writers;
  for (int i = 0; i < 100; ++i) {
    writers.push_back(
        executor_.start(store_->write({.key = cat("/k", i / 2),
                                       .value = std::make_shared<const std::string>("v"),
                                       .expected_revision = 0},
                                      {})));
  }
  for (std::size_t i = 0; i < 100; i += 2) {
    const bool one = executor_.wait(writers[i]).has_value();
    const bool other = executor_.wait(writers[i + 1]).has_value();
    EXPECT_NE(one, other) << i;
  }
  EXPECT_EQ(revision(), 50);
}

TEST_P(StoreContract, RangeGivesKeysOfThePrefixInOrder) {
  put("/b/2", "2");
  put("/b/1", "1");
  put("/a", "0");
  put("/b", "x");
  put("/c", "3");
  EXPECT_EQ(list({.prefix = "/b/"}), "/b/1=1 /b/2=2");
  EXPECT_EQ(list({.prefix = "/x"}), "");
  EXPECT_EQ(list({}), "/a=0 /b=x /b/1=1 /b/2=2 /c=3");
  EXPECT_EQ(range({.prefix = "/b/"})->revision, 5);
  EXPECT_FALSE(range({.prefix = "/b/"})->more);
}

TEST_P(StoreContract, PagesOfARangeSeeOneRevision) {
  for (int i = 0; i < 5; ++i) put(cat("/k", i), "old");
  auto first = range({.prefix = "/k", .limit = 2});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->revision, 5);
  EXPECT_TRUE(first->more);
  EXPECT_EQ(first->remaining, 3);
  put("/k3", "new");
  remove("/k4");
  put("/k5", "new");
  EXPECT_EQ(list({.prefix = "/k", .start_after = "/k1", .limit = 2, .at_revision = 5}),
            "/k2=old /k3=old");
  auto last = range({.prefix = "/k", .start_after = "/k3", .limit = 2, .at_revision = 5});
  ASSERT_TRUE(last);
  EXPECT_EQ(last->entries.size(), 1u);
  EXPECT_FALSE(last->more);
  EXPECT_EQ(last->remaining, 0);
  EXPECT_FALSE(range({.prefix = "/k", .limit = 5, .at_revision = 5})->more);
}

TEST_P(StoreContract, ARangeOfThousandsOfKeysIsWhole) {
  std::vector<PumpExecutor::Started<Result<Revision>>> writers;
  for (int i = 0; i < 3000; ++i) {
    writers.push_back(executor_.start(store_->write(
        {.key = cat("/k", i), .value = std::make_shared<const std::string>("v")}, {})));
  }
  for (auto& writer : writers) EXPECT_TRUE(executor_.wait(writer));
  EXPECT_EQ(range({.prefix = "/k"})->entries.size(), 3000u);
  const auto page = range({.prefix = "/k", .limit = 1100});
  EXPECT_EQ(page->entries.size(), 1100u);
  EXPECT_EQ(page->remaining, 1900);
}

TEST_P(StoreContract, RangeAtAnOldRevisionGivesWhatWasThere) {
  put("/a", "1");
  put("/b", "1");
  remove("/a");
  put("/a", "2");
  EXPECT_EQ(list({.at_revision = 1}), "/a=1");
  EXPECT_EQ(list({.at_revision = 2}), "/a=1 /b=1");
  EXPECT_EQ(list({.at_revision = 3}), "/b=1");
  EXPECT_EQ(list({.at_revision = 4}), "/a=2 /b=1");
  EXPECT_EQ(range({.at_revision = 5}).error().reason(), Reason::kInvalid);
}

TEST_P(StoreContract, WatchFromNowSeesOnlyWhatComes) {
  put("/a/1", "old");
  const auto w = watch("/a/");
  put("/b/1", "other");
  put("/a/1", "new");
  remove("/a/1");
  EXPECT_EQ(events(*w, 2), (Texts{"3:+/a/1=new", "4:-/a/1"}));
}

TEST_P(StoreContract, WatchWaitsForTheNextEvent) {
  const auto w = watch("/a");
  auto next = executor_.start(w->next({}));
  executor_.drain();
  EXPECT_FALSE(next.done());
  put("/a", "1");
  const auto got = executor_.wait(next);
  ASSERT_TRUE(got);
  ASSERT_EQ(got->events.size(), 1u);
  EXPECT_EQ(since(got->events.front().entry.create_revision), 1);
  EXPECT_EQ(since(got->revision), 1);
}

TEST_P(StoreContract, AWatchNeverShowsAnotherPrefix) {
  const auto w = watch("/a");
  put("/b", "1");
  put("/aa", "2");
  put("/A", "3");
  put("/a/b", "4");
  EXPECT_EQ(events(*w, 2), (Texts{"2:+/aa=2", "4:+/a/b=4"}));
}

TEST_P(StoreContract, NewestIsTheRevisionOfTheLastWrite) {
  put("/a", "1");
  remove("/a");
  const auto newest = executor_.run(store_->newest({}));
  ASSERT_TRUE(newest);
  EXPECT_EQ(since(*newest), 2);
}

TEST_P(StoreContract, WatchFromThePastSeesEverythingSince) {
  put("/a", "1");
  put("/b", "2");
  put("/a", "3");
  const auto w = watch("/", 1);
  put("/c", "4");
  EXPECT_EQ(events(*w, 3), (Texts{"2:+/b=2", "3:+/a=3", "4:+/c=4"}));
}

TEST_P(StoreContract, WatchFromThePastWorksAfterARestart) {
  put("/a", "1");
  put("/b", "2");
  remove("/a");
  put("/a", "4");
  reopen();
  const auto w = watch("/a", 1);
  EXPECT_EQ(events(*w, 2), (Texts{"3:-/a", "4:+/a=4"}));
  put("/a", "5");
  EXPECT_EQ(events(*w, 1), (Texts{"5:+/a=5"}));
}

TEST_P(StoreContract, WatchFromARevisionToComeSkipsWhatIsBefore) {
  put("/a", "1");
  const auto w = watch("/a", 3);
  put("/a", "2");
  put("/a", "3");
  put("/a", "4");
  EXPECT_EQ(events(*w, 1), (Texts{"4:+/a=4"}));
}

TEST_P(StoreContract, EventsComeInOrderOfRevisionUnderConcurrentWriters) {
  const auto w = watch("/");
  std::vector<PumpExecutor::Started<Result<Revision>>> writers;
  for (int i = 0; i < 1000; ++i) {
    writers.push_back(executor_.start(store_->write(
        {.key = cat("/k", i % 7), .value = std::make_shared<const std::string>("v")}, {})));
  }
  for (auto& writer : writers) EXPECT_TRUE(executor_.wait(writer));
  Revision last = 0;
  while (last < 1000) {
    const auto next = executor_.run(w->next({}));
    ASSERT_TRUE(next) << next.error().to_string();
    for (const auto& event : next->events) EXPECT_EQ(since(event.entry.mod_revision), ++last);
  }
}

TEST_P(StoreContract, AWatchFromBeforeWhatMemoryHoldsReadsAllOfIt) {
  reopen(10);
  for (int i = 1; i <= 50; ++i) put("/a", cat(i));
  const auto w = watch("/a", 5);
  const auto got = events(*w, 45);
  ASSERT_EQ(got.size(), 45u);
  EXPECT_EQ(got.front(), "6:+/a=6");
  EXPECT_EQ(got.back(), "50:+/a=50");
  put("/a", "51");
  EXPECT_EQ(events(*w, 1), (Texts{"51:+/a=51"}));
}

TEST_P(StoreContract, AStoppedWatchIsCanceled) {
  const auto w = watch("/a");
  async::StopSource stop;
  auto next = executor_.start(w->next(stop.token()));
  executor_.drain();
  stop.request_stop();
  EXPECT_EQ(executor_.wait(next).error().reason(), Reason::kCanceled);
}

TEST_P(StoreContract, CompactionForgetsWhatWasSupersededBefore) {
  put("/a", "1");
  put("/b", "2");
  put("/a", "3");
  remove("/b");
  put("/c", "5");
  put("/a", "6");
  EXPECT_TRUE(compact(4).ok());
  EXPECT_EQ(since(store_->compacted_revision()), 4);
  EXPECT_EQ(range({.at_revision = 3}).error().reason(), Reason::kExpired);
  EXPECT_EQ(list({.at_revision = 4}), "/a=3");
  EXPECT_EQ(list({.at_revision = 5}), "/a=3 /c=5");
  EXPECT_EQ(list({}), "/a=6 /c=5");
  EXPECT_EQ(get("/a")->create_revision, 1);
  EXPECT_EQ(end_of_watch("/", 3), Reason::kExpired);
  EXPECT_EQ(events(*watch("/", 4), 2), (Texts{"5:+/c=5", "6:+/a=6"}));
}

TEST_P(StoreContract, CompactionSurvivesARestart) {
  put("/a", "1");
  put("/a", "2");
  remove("/a");
  EXPECT_TRUE(compact(3).ok());
  reopen();
  EXPECT_EQ(revision(), 3);
  EXPECT_EQ(end_of_watch("/", 1), Reason::kExpired);
  EXPECT_EQ(list({}), "");
  EXPECT_EQ(put("/a", "4"), 4);
}

TEST_P(StoreContract, CompactionOfTheFutureIsRefusedAndOfThePastDoesNothing) {
  put("/a", "1");
  put("/a", "2");
  EXPECT_EQ(compact(3).reason(), Reason::kInvalid);
  EXPECT_TRUE(compact(2).ok());
  EXPECT_TRUE(compact(1).ok());
  EXPECT_EQ(since(store_->compacted_revision()), 2);
}

TEST_P(StoreContract, ReadsAndWritesGoOnDuringACompaction) {
  std::vector<PumpExecutor::Started<Result<Revision>>> writers;
  for (int i = 0; i < 2000; ++i) {
    writers.push_back(executor_.start(store_->write(
        {.key = cat("/k", i % 50), .value = std::make_shared<const std::string>(cat(i))}, {})));
  }
  for (auto& writer : writers) EXPECT_TRUE(executor_.wait(writer));
  const Revision last = put("/last", "x");
  auto compaction = executor_.start(store_->compact(last, {}));
  while (!compaction.done()) {
    put("/k0", "during");
    EXPECT_EQ(*get("/k0")->value, "during");
    EXPECT_EQ(range({.prefix = "/k"})->entries.size(), 50u);
  }
  EXPECT_TRUE(executor_.wait(compaction).ok());
}

TEST_P(StoreContract, AKeyWithATimeToLiveEndsByItselfUnlessItIsWrittenAgain) {
  const auto brief = [&](std::string key, std::string value) {
    Write out{.key = std::move(key),
              .value = std::make_shared<const std::string>(std::move(value)),
              .ttl = std::chrono::seconds(1)};
    return executor_.run(store_->write(std::move(out), {}));
  };
  ASSERT_TRUE(brief("/kept", "1"));
  put("/kept", "2");
  ASSERT_TRUE(brief("/gone", "1"));
  reopen();
  const auto again = watch("/", 3);
  EXPECT_EQ(events(*again, 1), (Texts{"4:-/gone"}));
  EXPECT_EQ(list({}), "/kept=2");
}

TEST_P(StoreContract, ReopeningKeepsEverything) {
  put("/a", "1");
  put("/b", "2");
  put("/a", "3");
  remove("/b");
  put("/b", "5");
  reopen();
  EXPECT_EQ(revision(), 5);
  EXPECT_EQ(list({}), "/a=3 /b=5");
  EXPECT_EQ(list({.at_revision = 3}), "/a=3 /b=2");
  EXPECT_EQ(get("/a")->create_revision, 1);
  EXPECT_EQ(get("/b")->create_revision, 5);
  EXPECT_EQ(*write("/a", "6", 3), 6);
}

TEST_P(StoreContract, AClosedStoreEndsWatchesAndRefusesCalls) {
  const auto w = watch("/a");
  auto next = executor_.start(w->next({}));
  auto pending = executor_.start(
      store_->write({.key = "/b", .value = std::make_shared<const std::string>("v")}, {}));
  executor_.run(store_->close());
  executor_.run(store_->close());
  EXPECT_EQ(executor_.wait(next).error().reason(), Reason::kCanceled);
  (void)executor_.wait(pending);
  EXPECT_EQ(write("/a", "1").error().reason(), Reason::kCanceled);
  EXPECT_EQ(range({}).error().reason(), Reason::kCanceled);
  EXPECT_EQ(store_->watch("/a", 0).error().reason(), Reason::kCanceled);
  EXPECT_EQ(compact(1).reason(), Reason::kCanceled);
}

}  // namespace kpp::store::testing
