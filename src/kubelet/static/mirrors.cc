#include "kubelet/static/mirrors.h"

#include <set>

#include "kubelet/static/static_pod.h"

namespace kpp::kubelet {
namespace {
constexpr Duration kRetry = std::chrono::seconds(1);
constexpr Duration kLeave = std::chrono::seconds(1);
}  // namespace

Mirrors::Mirrors(async::Executor& executor, client::Client& client, Logger log,
                 std::function<std::string()> node_uid, Found found)
    : executor_(executor),
      client_(client),
      log_(std::move(log)),
      node_uid_(std::move(node_uid)),
      found_(std::move(found)),
      wake_(executor),
      scope_(executor) {}

void Mirrors::start() { scope_.spawn(run()); }

async::Task<void> Mirrors::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

void Mirrors::seen(const api::ObjectKey& key, PodRef mirror) {
  const auto before = there_.find(key);
  if (before != there_.end() && (!mirror || mirror->metadata.uid != before->second->metadata.uid))
    leaving_.erase(before->second->metadata.uid);
  if (mirror) {
    there_[key] = std::move(mirror);
  } else {
    there_.erase(key);
  }
  wake_.set();
}

void Mirrors::synced() {
  synced_ = true;
  wake_.set();
}

void Mirrors::want(std::map<api::ObjectKey, PodRef> pods) {
  wanted_ = std::move(pods);
  wanted_known_ = true;
  wake_.set();
}

bool Mirrors::leaves_still(const corev1::Pod& mirror) {
  if (!mirror.metadata.deletion_timestamp) return false;
  const TimePoint now = executor_.steady();
  return now - leaving_.try_emplace(mirror.metadata.uid, now).first->second < kLeave;
}

async::Task<bool> Mirrors::put_right(api::ObjectKey key, async::StopToken stop) {
  const auto wanted = wanted_.find(key);
  const auto there = there_.find(key);
  const PodRef pod = wanted == wanted_.end() ? nullptr : wanted->second;
  const PodRef mirror = there == there_.end() ? nullptr : there->second;
  Status done;
  if (mirror && pod && leaves_still(*mirror)) co_return false;
  if (mirror && (!pod || mirror->metadata.deletion_timestamp || !mirrors(*mirror, *pod))) {
    client::DeleteQuery query;
    query.grace_period_seconds = 0;
    query.uid = mirror->metadata.uid;
    done = co_await client_.remove<corev1::Pod>(key, query, stop);
    if (done.is(Reason::kConflict)) co_return false;  // it was written to meanwhile: once more
    if (done.is(Reason::kNotFound)) done = Status();
    // What comes next is for the watch to say: the object is still in the cache.
  } else if (pod && !mirror) {
    const std::string node_uid = node_uid_();
    if (node_uid.empty()) co_return false;
    auto made = co_await client_.create<corev1::Pod>(mirror_of(*pod, node_uid), stop);
    if (!made && !made.error().is(Reason::kAlreadyExists)) done = std::move(made).error();
  } else if (pod && mirror) {
    found_(pod, mirror);
  }
  if (done.ok() || stop.stop_requested()) co_return true;
  log_.warning("Failed to keep the mirror of a static pod",
               {kv("pod", key.to_string()), kv("err", done.to_string())});
  co_return false;
}

async::Task<void> Mirrors::run() {
  const async::StopToken stop = scope_.stop_token();
  bool again = false;
  while (!stop.stop_requested()) {
    if (again) {
      (void)co_await wake_.wait_for(kRetry, stop);
    } else {
      (void)co_await wake_.wait(stop);
    }
    wake_.reset();
    again = false;
    if (!synced_ || !wanted_known_) continue;
    std::set<api::ObjectKey> keys;
    for (const auto& [key, pod] : wanted_) keys.insert(key);
    for (const auto& [key, pod] : there_) keys.insert(key);
    for (const auto& key : keys) {
      if (stop.stop_requested()) co_return;
      const bool good = co_await put_right(key, stop);
      again = again || !good;
    }
  }
}

}  // namespace kpp::kubelet
