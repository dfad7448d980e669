#include "scheduler/queue.h"

#include <algorithm>

namespace kpp::scheduler {

Duration Queue::backoff_of(int attempts) const {
  Duration out = options_.initial_backoff;
  for (int i = 1; i < attempts && out < options_.max_backoff; ++i) out *= 2;
  return std::min(out, options_.max_backoff);
}

Queue::Rank Queue::rank_of(const Entry& entry) {
  const auto& pod = *entry.pod.pod->pod;
  return {-static_cast<std::int64_t>(pod.spec.priority.value_or(0)), entry.pod.added, entry.order,
          entry.pod.pod->key()};
}

void Queue::place(Entry& entry, Place where) {
  entry.place = where;
  const auto key = entry.pod.pod->key();
  switch (where) {
    case Place::kActive:
      active_.insert(rank_of(entry));
      break;
    case Place::kBackoff:
      backoff_.emplace(entry.until, key);
      break;
    case Place::kUnschedulable:
      unschedulable_.emplace(entry.pod.added, key);
      break;
    case Place::kGated:
      break;
  }
  changed_.pulse();
}

void Queue::unplace(Entry& entry) {
  const auto key = entry.pod.pod->key();
  switch (entry.place) {
    case Place::kActive:
      active_.erase(rank_of(entry));
      break;
    case Place::kBackoff:
      backoff_.erase({entry.until, key});
      break;
    case Place::kUnschedulable:
      unschedulable_.erase({entry.pod.added, key});
      break;
    case Place::kGated:
      break;
  }
}

void Queue::put(const PodInfoRef& pod) {
  const auto key = pod->key();
  const bool gated = !pod->pod->spec.scheduling_gates.empty();
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    Entry& entry = entries_[key];
    entry.pod = {pod, 0, executor_.steady(), 0};
    entry.order = next_order_++;
    place(entry, gated ? Place::kGated : Place::kActive);
    return;
  }
  Entry& entry = found->second;
  unplace(entry);
  entry.pod.pod = pod;
  const Place before = entry.place;
  if (gated) {
    place(entry, Place::kGated);
  } else if (before == Place::kGated) {
    entry.pod.added = executor_.steady();
    place(entry, Place::kActive);
  } else if (before == Place::kUnschedulable) {
    release(entry);  // the pod itself is another now
  } else {
    place(entry, before);
  }
}

void Queue::remove(const api::ObjectKey& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  unplace(found->second);
  entries_.erase(found);
}

void Queue::release(Entry& entry) {
  entry.until = entry.pod.added + backoff_of(entry.pod.attempts);
  place(entry, entry.until > executor_.steady() ? Place::kBackoff : Place::kActive);
}

void Queue::flush_due() {
  const TimePoint now = executor_.steady();
  while (!backoff_.empty() && backoff_.begin()->first <= now) {
    Entry& entry = entries_.at(backoff_.begin()->second);
    unplace(entry);
    place(entry, Place::kActive);
  }
  while (!unschedulable_.empty() &&
         unschedulable_.begin()->first + options_.max_in_unschedulable <= now) {
    Entry& entry = entries_.at(unschedulable_.begin()->second);
    unplace(entry);
    release(entry);
  }
}

std::optional<QueuedPod> Queue::pop() {
  flush_due();
  if (active_.empty()) return std::nullopt;
  const auto key = active_.begin()->key;
  Entry& entry = entries_.at(key);
  unplace(entry);
  QueuedPod out = std::move(entry.pod);
  entries_.erase(key);
  ++out.attempts;
  return out;
}

async::Task<bool> Queue::wait(async::StopToken stop) {
  while (true) {
    flush_due();
    if (!active_.empty()) co_return true;
    if (stop.stop_requested()) co_return false;
    std::optional<TimePoint> next;
    if (!backoff_.empty()) next = backoff_.begin()->first;
    if (!unschedulable_.empty()) {
      const TimePoint due = unschedulable_.begin()->first + options_.max_in_unschedulable;
      next = next ? std::min(*next, due) : due;
    }
    if (next) {
      co_await changed_.wait_for(*next - executor_.steady(), stop);
    } else {
      co_await changed_.wait(stop);
    }
  }
}

void Queue::unschedulable(QueuedPod pod) {
  const auto key = pod.pod->key();
  if (entries_.contains(key)) return;  // a newer form came meanwhile
  Entry& entry = entries_[key];
  entry.pod = std::move(pod);
  entry.pod.added = executor_.steady();
  entry.order = next_order_++;
  place(entry, Place::kUnschedulable);
}

void Queue::retry(QueuedPod pod) {
  const auto key = pod.pod->key();
  if (entries_.contains(key)) return;
  Entry& entry = entries_[key];
  entry.pod = std::move(pod);
  entry.pod.added = executor_.steady();
  entry.order = next_order_++;
  entry.until = entry.pod.added + backoff_of(entry.pod.attempts);
  place(entry, Place::kBackoff);
}

void Queue::move(std::uint32_t plugins, const std::function<bool(const PodInfo&)>& helps) {
  std::vector<api::ObjectKey> keys;
  for (const auto& [added, key] : unschedulable_) {
    const QueuedPod& waiting = entries_.at(key).pod;
    if ((waiting.refused_by & plugins) != 0 && (!helps || helps(*waiting.pod))) keys.push_back(key);
  }
  for (const auto& key : keys) {
    Entry& entry = entries_.at(key);
    unplace(entry);
    release(entry);
  }
}

}  // namespace kpp::scheduler
