// The pods that wait for a node: those to try now, those that wait out a back-off, and those that
// wait for a change.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "async/executor.h"
#include "async/wait.h"
#include "scheduler/types.h"

namespace kpp::scheduler {

struct QueueOptions {
  Duration initial_backoff = std::chrono::seconds(1);
  Duration max_backoff = std::chrono::seconds(10);
  Duration max_in_unschedulable = std::chrono::minutes(5);
};

// A pod with its history in the queue.
struct QueuedPod {
  PodInfoRef pod;
  int attempts = 0;
  TimePoint added;               // to the queue at hand
  std::uint32_t refused_by = 0;  // PluginBits of the last attempt
};

// Guarantees: pods are handed out by priority, then by the time they came. A pod that changed while
// it was tried is
//   tried in its new form. A pod whose gates are not empty is never handed out.
// Runs on: its executor only.
class Queue {
 public:
  Queue(async::Executor& executor, QueueOptions options)
      : executor_(executor), options_(options), changed_(executor) {}

  // New, or changed in its spec.
  void put(const PodInfoRef& pod);
  void remove(const api::ObjectKey& key);
  bool contains(const api::ObjectKey& key) const { return entries_.contains(key); }

  // The next pod, now; nullopt if none is ready. The pod is out of the queue until returned or
  // forgotten.
  std::optional<QueuedPod> pop();
  // Waits until pop() may give a pod; false if stopped.
  async::Task<bool> wait(async::StopToken stop);
  // It fits nowhere: waits for an event that its refusers care for.
  void unschedulable(QueuedPod pod);
  // Something failed that may go well the next time: only the back-off is waited out.
  void retry(QueuedPod pod);
  // Something happened that may help pods refused by these plugins; `helps` says which of them.
  void move(std::uint32_t plugins, const std::function<bool(const PodInfo&)>& helps = {});

  std::size_t active() const { return active_.size(); }
  std::size_t waiting() const { return entries_.size(); }
  Duration backoff_of(int attempts) const;

 private:
  enum class Place : std::uint8_t { kActive, kBackoff, kUnschedulable, kGated };
  struct Entry {
    QueuedPod pod;
    Place place = Place::kActive;
    TimePoint until;          // in kBackoff
    std::uint64_t order = 0;  // of arrival
  };
  struct Rank {
    std::int64_t minus_priority;
    TimePoint added;
    std::uint64_t order;
    api::ObjectKey key;
    friend auto operator<=>(const Rank&, const Rank&) = default;
  };

  static Rank rank_of(const Entry& entry);
  void place(Entry& entry, Place where);
  void unplace(Entry& entry);
  // From kUnschedulable to kBackoff or kActive.
  void release(Entry& entry);
  void flush_due();

  async::Executor& executor_;
  const QueueOptions options_;
  std::map<api::ObjectKey, Entry> entries_;
  std::set<Rank> active_;
  std::set<std::pair<TimePoint, api::ObjectKey>> backoff_;
  std::set<std::pair<TimePoint, api::ObjectKey>> unschedulable_;  // by the time they came there
  std::uint64_t next_order_ = 0;
  async::Event changed_;
};

}  // namespace kpp::scheduler
