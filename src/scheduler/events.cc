#include "scheduler/events.h"

#include <charconv>

namespace kpp::scheduler {

namespace {

constexpr std::size_t kMaxQueued = 10'000;
constexpr std::size_t kMaxKnown = 4096;
constexpr Duration kSeriesEnd = std::chrono::minutes(6);

std::string hex(std::int64_t value) {
  char text[20];
  return {text, std::to_chars(text, text + sizeof text, value, 16).ptr};
}

corev1::ObjectReference reference_of(const corev1::Pod& pod) {
  corev1::ObjectReference out;
  out.kind = "Pod";
  out.api_version = "v1";
  out.namespace_ = pod.metadata.namespace_;
  out.name = pod.metadata.name;
  out.uid = pod.metadata.uid;
  out.resource_version = pod.metadata.resource_version;
  return out;
}

}  // namespace

Events::Events(async::Executor& executor, client::Client& client, Logger log,
               std::string controller, std::string instance)
    : executor_(executor),
      client_(client),
      log_(std::move(log)),
      controller_(std::move(controller)),
      instance_(std::move(instance)),
      queue_(executor),
      scope_(executor) {}

void Events::record(const corev1::Pod& pod, std::string_view type, std::string_view reason,
                    std::string_view action, std::string note, const corev1::Pod* related) {
  if (queue_.size() >= kMaxQueued) {
    log_.warning("Event dropped: too many wait",
                 {kv("pod", api::key_of(pod)), kv("reason", reason)});
    return;
  }
  const WallTime now = executor_.wall();
  const std::string key =
      cat(pod.metadata.uid, "|", api::key_of(pod), "|", type, "|", reason, "|", action, "|", note);
  Item item;
  auto& event = item.event;
  event.metadata.namespace_ = pod.metadata.namespace_.empty() ? "default" : pod.metadata.namespace_;
  if (const auto known = known_.find(key);
      known != known_.end() && executor_.steady() - known->second.last < kSeriesEnd) {
    known->second.last = executor_.steady();
    if (++known->second.count > 2) return;
    event.metadata.name = known->second.name;
    auto& series = event.series.ensure();
    series.count = known->second.count;
    series.last_observed_time = api::MicroTime::from(now);
    item.series = true;
    queue_.try_send(std::move(item));
    return;
  }
  std::int64_t nanos = now.time_since_epoch().count();
  if (nanos <= last_nanos_) nanos = last_nanos_ + 1;
  last_nanos_ = nanos;
  event.metadata.name = cat(pod.metadata.name, ".", hex(nanos));
  event.event_time = api::MicroTime::from(now);
  event.reporting_controller = controller_;
  event.reporting_instance = instance_;
  event.type = type;
  event.reason = reason;
  event.action = action;
  event.note = note.size() > 1024 ? note.substr(0, 1024) : std::move(note);
  event.regarding = reference_of(pod);
  if (related != nullptr) event.related = reference_of(*related);
  if (known_.size() >= kMaxKnown) forget_old();
  if (type != "Normal")
    known_[key] = {event.metadata.namespace_, event.metadata.name, 1, executor_.steady()};
  queue_.try_send(std::move(item));
}

void Events::forget_old() {
  const TimePoint now = executor_.steady();
  std::erase_if(known_, [&](const auto& entry) { return now - entry.second.last >= kSeriesEnd; });
  if (known_.size() >= kMaxKnown) known_.clear();
}

void Events::start() { scope_.spawn(run(scope_.stop_token())); }

async::Task<void> Events::stop() {
  scope_.request_stop();
  queue_.close();
  co_await scope_.join();
}

async::Task<void> Events::run(async::StopToken stop) {
  while (true) {
    auto item = co_await queue_.receive(stop);
    if (!item) co_return;
    const std::string name = item->event.metadata.name;
    Status status;
    if (item->series) {
      const auto& series = *item->event.series;
      std::string body = cat("{\"series\":{\"count\":", series.count, ",\"lastObservedTime\":\"",
                             series.last_observed_time.to_string(), "\"}}");
      api::ObjectKey key = api::key_of(item->event);
      auto patched = co_await client_.patch<eventsv1::Event>(
          std::move(key), client::PatchType::kMerge, std::move(body), std::string(), stop);
      if (!patched) status = patched.error();
    } else {
      auto created = co_await client_.create(std::move(item->event), stop);
      if (!created) status = created.error();
    }
    if (!status.ok() && !stop.stop_requested()) {
      log_.warning("Event not written", {kv("event", name), kv("err", status)});
    }
  }
}

}  // namespace kpp::scheduler
