#include "store/etcd/etcd_watch.h"

#include <algorithm>

#include "async/wait.h"
#include "store/etcd/errors.h"

namespace kpp::store {
namespace {

constexpr std::chrono::milliseconds kFirstPause{20};
constexpr std::chrono::milliseconds kLongestPause{1000};

std::unexpected<Status> stopped() { return fail(Reason::kCanceled, "the watch was stopped"); }

}  // namespace

EtcdWatch::EtcdWatch(async::IoExecutor& executor, std::shared_ptr<EtcdClient> client, KeySpace keys,
                     std::string prefix, Revision from)
    : executor_(executor),
      client_(std::move(client)),
      keys_(std::move(keys)),
      prefix_(std::move(prefix)),
      position_(from) {}

void EtcdWatch::lose() {
  stream_.reset();
  batch_ = {};
  client_->stream_failed();
  pause_ =
      pause_ == Duration(0) ? Duration(kFirstPause) : std::min(pause_ * 2, Duration(kLongestPause));
}

// True once a stream is there and asked for what comes next; false if stopped.
async::Task<bool> EtcdWatch::open(async::StopToken stop) {
  while (!stop.stop_requested() && !client_->closed()) {
    if (pause_ != Duration(0)) {
      const bool slept = co_await async::sleep_for(executor_, pause_, stop);
      if (!slept) co_return false;
    }
    auto stream = co_await client_->watch_stream(stop);
    if (stream) {
      etcdserverpb::WatchRequest request;
      auto& create = request.create_request.emplace();
      create.key = std::string(1, '\0');
      create.range_end = std::string(1, '\0');
      create.start_revision = position_ + 1;
      create.progress_notify = true;
      create.fragment = true;
      stream_ = std::move(*stream);
      stream_->send(api::to_proto(request));
      co_return true;
    }
    lose();
  }
  co_return false;
}

void EtcdWatch::add(etcdserverpb::Event&& event) {
  if (!event.kv) return;
  batch_.revision = std::max(batch_.revision, event.kv->mod_revision);
  auto key = keys_.inward(event.kv->key);
  if (!key || !key->starts_with(prefix_)) return;
  Event& out = batch_.events.emplace_back();
  out.entry.key = std::move(*key);
  out.entry.mod_revision = event.kv->mod_revision;
  if (event.type == etcdserverpb::DELETE) {
    out.type = Event::Type::kDelete;
    return;
  }
  out.entry.create_revision = event.kv->create_revision;
  out.entry.value = std::make_shared<const std::string>(std::move(event.kv->value));
}

Result<EtcdWatch::Step> EtcdWatch::take(etcdserverpb::WatchResponse&& answer) {
  if (answer.canceled) {
    if (answer.compact_revision != 0) return fail(etcd_compacted(answer.cancel_reason));
    return Step::kAgain;
  }
  if (answer.created) return Step::kWait;
  for (auto& event : answer.events) add(std::move(event));
  if (answer.fragment) return Step::kWait;
  // Told now and then when nothing happens. Of an answer with events the revision is the server's,
  // of which other events may still be on their way.
  if (answer.events.empty() && answer.header)
    batch_.revision = std::max(batch_.revision, answer.header->revision);
  return batch_.revision > position_ ? Step::kGiven : Step::kWait;
}

async::Task<Result<WatchBatch>> EtcdWatch::next(async::StopToken stop) {
  while (!stop.stop_requested() && !client_->closed()) {
    if (!stream_) {
      const bool opened = co_await open(stop);
      if (!opened) break;
    }
    auto bytes = co_await stream_->next(stop);
    if (stop.stop_requested()) break;
    if (!bytes || !*bytes) {
      lose();
      continue;
    }
    pause_ = Duration(0);
    auto answer = api::parse_proto<etcdserverpb::WatchResponse>(**bytes);
    if (!answer) co_return fail(std::move(answer).error().with_context("etcd's watch"));
    auto step = take(std::move(*answer));
    if (!step) {
      stream_.reset();
      co_return fail(std::move(step).error());
    }
    if (*step == Step::kAgain) lose();
    if (*step != Step::kGiven) continue;
    position_ = batch_.revision;
    co_return std::exchange(batch_, {});
  }
  co_return stopped();
}

}  // namespace kpp::store
