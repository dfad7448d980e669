#include "client/event_correlator.h"

#include <algorithm>

#include "base/cat.h"

namespace kpp::client {
namespace {

constexpr std::size_t kMaxEntries = 4096;
constexpr double kBurst = 25;
constexpr double kTokensPerSecond = 1.0 / 300;
constexpr std::size_t kMaxSimilar = 10;
constexpr Duration kSimilarWithin = std::chrono::seconds(600);

std::string object_part(const corev1::Event& e) {
  const auto& o = e.involved_object;
  return cat(e.source.component, "\n", e.source.host, "\n", o.kind, "\n", o.namespace_, "\n",
             o.name, "\n", o.uid, "\n", o.api_version);
}

}  // namespace

template <class T>
T* EventCorrelator::Lru<T>::find(const std::string& key) {
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return nullptr;
  order_.splice(order_.begin(), order_, it->second);
  return &it->second->second;
}

template <class T>
T& EventCorrelator::Lru<T>::put(const std::string& key, T value) {
  if (T* known = find(key)) {
    *known = std::move(value);
    return *known;
  }
  order_.emplace_front(key, std::move(value));
  by_key_[key] = order_.begin();
  if (order_.size() > kMaxEntries) {
    by_key_.erase(order_.back().first);
    order_.pop_back();
  }
  return order_.front().second;
}

bool EventCorrelator::is_spam(const corev1::Event& event, TimePoint now) {
  const std::string key = object_part(event);
  Bucket* bucket = buckets_.find(key);
  if (!bucket) bucket = &buckets_.put(key, Bucket{kBurst, now});
  const double seconds = std::chrono::duration<double>(now - bucket->at).count();
  bucket->tokens = std::min(kBurst, bucket->tokens + seconds * kTokensPerSecond);
  bucket->at = now;
  if (bucket->tokens < 1) return true;
  bucket->tokens -= 1;
  return false;
}

EventCorrelator::Decision EventCorrelator::decide(corev1::Event event, TimePoint now) {
  Decision out;
  const std::string group = cat(object_part(event), "\n", event.type, "\n", event.reason, "\n",
                                event.reporting_component, "\n", event.reporting_instance);
  Similar* similar = similar_.find(group);
  if (!similar || now - similar->last > kSimilarWithin)
    similar = &similar_.put(group, Similar{{}, now});
  similar->last = now;
  similar->messages.insert(event.message);
  if (similar->messages.size() < kMaxSimilar) {
    out.key = cat(group, "\n", event.involved_object.field_path, "\n", event.message);
  } else {
    similar->messages.erase(similar->messages.begin());
    event.message = cat("(combined from similar events): ", event.message);
    event.reporting_component.clear();
    event.reporting_instance.clear();
    out.key = group;
  }
  if (const Seen* seen = seen_.find(out.key)) {
    event.metadata.name = seen->name;
    event.metadata.resource_version = seen->resource_version;
    event.first_timestamp = seen->first;
    event.count = seen->count + 1;
    out.patch = true;
  }
  out.drop = is_spam(event, now);
  out.event = std::move(event);
  return out;
}

void EventCorrelator::written(const std::string& key, const corev1::Event& event) {
  seen_.put(key, Seen{event.metadata.name, event.metadata.resource_version, event.count,
                      event.first_timestamp});
}

}  // namespace kpp::client
