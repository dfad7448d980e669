#include "kubelet/status/status_writer.h"

#include <boost/json/object.hpp>

#include "api/json_codec.h"
#include "codec/json.h"
#include "kubelet/static/static_pod.h"

namespace kpp::kubelet {
namespace {

// A merge patch that turns one document into another: what is gone becomes null, lists are
// replaced.
json::Value merge_patch(const json::Object& from, const json::Object& to) {
  json::Object out;
  for (const auto& member : from) {
    if (!to.contains(member.key())) out[member.key()] = nullptr;
  }
  for (const auto& member : to) {
    const auto* old = from.if_contains(member.key());
    if (old && *old == member.value()) continue;
    if (old && old->is_object() && member.value().is_object()) {
      out[member.key()] = merge_patch(old->get_object(), member.value().get_object());
    } else {
      out[member.key()] = member.value();
    }
  }
  return out;
}

}  // namespace

StatusWriter::StatusWriter(async::Executor& executor, client::Client& client, const Logger& log,
                           const corev1::Pod& pod)
    : executor_(executor),
      client_(client),
      log_(log),
      key_(api::key_of(pod)),
      uid_(pod.metadata.uid),
      latest_(pod.status),
      written_(pod.status),
      wake_(executor),
      clean_(executor),
      scope_(executor) {
  clean_.set();
  gone_ = is_static(pod);  // until its mirror is known
}

void StatusWriter::start() { scope_.spawn(run()); }

void StatusWriter::retarget(std::string uid, corev1::PodStatus known) {
  if (!gone_ && uid == uid_) return;
  uid_ = std::move(uid);
  written_ = std::move(known);
  gone_ = false;
  set(latest_);
}

void StatusWriter::set(corev1::PodStatus status) {
  latest_ = std::move(status);
  if (gone_ || api::equal(latest_, written_)) return;
  dirty_ = true;
  clean_.reset();
  wake_.set();
}

async::Task<Status> StatusWriter::write(corev1::PodStatus status, async::StopToken stop) {
  const json::Value before = api::to_document(written_);
  const json::Value after = api::to_document(status);
  json::Value change = merge_patch(before.get_object(), after.get_object());
  json::Object patch;
  patch["metadata"] = json::Object{{"uid", uid_}};
  patch["status"] = std::move(change);
  const std::string uid = uid_;
  auto done = co_await client_.patch<corev1::Pod>(
      key_, client::PatchType::kMerge, json::write(patch), std::string("status"), std::move(stop));
  if (uid != uid_) {  // what was written to is not what stands for the pod now
    dirty_ = true;
    co_return Status();
  }
  if (!done) co_return std::move(done).error();
  written_ = std::move(status);
  co_return Status();
}

async::Task<void> StatusWriter::run() {
  constexpr Duration kFirstPause = std::chrono::milliseconds(200);
  constexpr Duration kLongestPause = std::chrono::seconds(10);
  const async::StopToken stop = scope_.stop_token();
  Duration pause = kFirstPause;
  while (!stop.stop_requested()) {
    const bool woken = co_await wake_.wait(stop);
    if (!woken) co_return;
    wake_.reset();
    while (dirty_) {
      dirty_ = false;
      Status done = co_await write(latest_, stop);
      if (done.ok()) {
        pause = kFirstPause;
        continue;
      }
      if (stop.stop_requested()) co_return;
      if (done.is(Reason::kNotFound) || done.is(Reason::kConflict)) {
        // Another pod of this name, or none: there is nobody to tell.
        gone_ = true;
        dirty_ = false;
        break;
      }
      log_.warning("Failed to write a pod's status",
                   {kv("pod", key_.to_string()), kv("err", done.to_string())});
      dirty_ = true;
      const bool slept = co_await async::sleep_for(executor_, pause, stop);
      if (!slept) co_return;
      pause = std::min(pause * 2, kLongestPause);
    }
    clean_.set();
  }
}

async::Task<bool> StatusWriter::flushed(async::StopToken stop) {
  return clean_.wait(std::move(stop));
}

async::Task<void> StatusWriter::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

}  // namespace kpp::kubelet
