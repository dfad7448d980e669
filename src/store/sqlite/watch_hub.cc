#include "store/sqlite/watch_hub.h"

#include <algorithm>

namespace kpp::store {
namespace {

constexpr std::size_t kEventsAtOnce = 1000;

std::size_t size_of(const Event& event) {
  return sizeof(Event) + event.entry.key.size() +
         (event.entry.value ? event.entry.value->size() : 0);
}

}  // namespace

class WatchHub::SqliteWatch final : public Watch {
 public:
  SqliteWatch(std::shared_ptr<WatchHub> hub, std::string prefix, Revision from)
      : hub_(std::move(hub)),
        prefix_(std::move(prefix)),
        position_(from),
        in_file_(from < hub_->start_),
        pending_(from < hub_->last()),
        waiter_(hub_->executor_) {
    self_ = hub_->watches_.insert(hub_->watches_.end(), this);
  }
  ~SqliteWatch() override { hub_->watches_.erase(self_); }

  async::Task<Result<WatchBatch>> next(async::StopToken stop) override {
    while (true) {
      if (stop.stop_requested() || hub_->gate_->closed()) {
        co_return fail(Reason::kCanceled, "the watch was stopped");
      }
      if (in_file_) {
        auto events = co_await read_file();
        if (!events) co_return fail(std::move(events).error());
        if (!events->empty()) co_return WatchBatch{std::move(*events), position_};
        continue;
      }
      if (pending_) {
        if (position_ < hub_->start_) {
          co_return fail(Reason::kExpired,
                         cat("the watch fell behind: it is at revision ", position_,
                             ", the oldest in memory is ", hub_->start_));
        }
        auto events = read_memory();
        if (!events.empty()) co_return WatchBatch{std::move(events), position_};
        continue;
      }
      co_await waiter_.wait(stop);
    }
  }

  // A new event, the last of the hub by now.
  void see(const Event& event) {
    const Revision revision = event.entry.mod_revision;
    if (in_file_ || pending_ || revision <= position_) return;
    if (event.entry.key.starts_with(prefix_)) {
      pending_ = true;
      waiter_.wake();
    } else {
      position_ = revision;
    }
  }
  void wake() { waiter_.wake(); }

 private:
  async::Task<Result<std::vector<Event>>> read_file() {
    if (position_ >= hub_->start_) {
      in_file_ = false;
      pending_ = true;
      co_return std::vector<Event>{};
    }
    if (const Revision oldest = hub_->history_.compacted.load(); oldest > position_) {
      co_return fail(compacted_error(position_, oldest));
    }
    const Gate::Pass pass(*hub_->gate_);
    if (!pass) co_return std::vector<Event>{};
    auto chunk =
        co_await async::offload(hub_->executor_, hub_->history_.pool,
                                [reader = &hub_->history_.reader, prefix = prefix_,
                                 from = position_] { return reader->history(prefix, from); });
    if (!chunk) co_return fail(std::move(chunk).error());
    position_ = chunk->scanned;
    co_return std::move(chunk->events);
  }

  std::vector<Event> read_memory() {
    std::vector<Event> out;
    const auto& recent = hub_->recent_;
    auto at = static_cast<std::size_t>(std::min(position_, hub_->last()) - hub_->start_);
    for (; at < recent.size() && out.size() < kEventsAtOnce; ++at) {
      const Event& event = recent[at];
      if (event.entry.key.starts_with(prefix_)) out.push_back(event);
      position_ = event.entry.mod_revision;
    }
    pending_ = at < recent.size();
    return out;
  }

  const std::shared_ptr<WatchHub> hub_;  // shared with the store and other watches
  const std::string prefix_;
  Revision position_;  // all events up to here were given or concern others
  bool in_file_;       // reads the file, memory starts later
  bool pending_;       // memory may have events after position_
  async::Waiter waiter_;
  std::list<SqliteWatch*>::iterator self_;
};

WatchHub::WatchHub(async::Executor& executor, std::shared_ptr<Gate> gate, History history,
                   Bounds bounds, Revision start)
    : executor_(executor),
      gate_(std::move(gate)),
      history_(history),
      bounds_(bounds),
      start_(start) {}

void WatchHub::publish(std::vector<Event> events) {
  for (auto& event : events) {
    KPP_CHECK(event.entry.mod_revision == last() + 1, "event of revision ",
              event.entry.mod_revision, " after ", last());
    bytes_ += size_of(event);
    recent_.push_back(std::move(event));
    for (SqliteWatch* watch : watches_) watch->see(recent_.back());
  }
  trim();
}

void WatchHub::trim() {
  while (!recent_.empty() && (recent_.size() > bounds_.events || bytes_ > bounds_.bytes)) {
    bytes_ -= size_of(recent_.front());
    recent_.pop_front();
    ++start_;
  }
}

Result<std::unique_ptr<Watch>> WatchHub::watch(std::string prefix, Revision from) {
  if (gate_->closed()) return fail(Reason::kCanceled, "the store is closed");
  if (from == 0) from = last();
  if (const Revision oldest = history_.compacted.load(); from < oldest) {
    return fail(compacted_error(from, oldest));
  }
  return std::make_unique<SqliteWatch>(shared_from_this(), std::move(prefix), from);
}

void WatchHub::close() {
  for (SqliteWatch* watch : watches_) watch->wake();
}

}  // namespace kpp::store
