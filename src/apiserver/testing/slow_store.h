// A store without writers: what a test puts into it, shown to watches when the test says so.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/wait.h"
#include "store/store.h"

namespace kpp::apiserver::testing {

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
  void remove(std::string key) {
    store::Event event;
    event.type = store::Event::Type::kDelete;
    event.entry = {std::move(key), nullptr, revision_ + 1, revision_ + 1};
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

}  // namespace kpp::apiserver::testing
