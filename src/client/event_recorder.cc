#include "client/event_recorder.h"

#include <charconv>

#include "async/wait.h"
#include "client/event_correlator.h"
#include "codec/json.h"

namespace kpp::client {
namespace {

constexpr std::size_t kMaxQueued = 1000;
constexpr int kMaxTries = 12;
constexpr Duration kRetryAfter = std::chrono::seconds(10);

std::string hex16(std::int64_t nanos) {
  char buf[20];
  const auto end = std::to_chars(buf, buf + sizeof buf, nanos, 16).ptr;
  return std::string(buf, end);
}

bool could_not_connect(const Status& status) {
  return status.is(Reason::kIo) ||
         (status.is(Reason::kServiceUnavailable) && status.details().kind.empty());
}

}  // namespace

struct EventRecorder::State {
  State(async::Executor& e, Client& c, Logger l, std::string comp, std::string h)
      : executor(e),
        client(c),
        log(std::move(l)),
        component(std::move(comp)),
        host(std::move(h)),
        queue(e, kMaxQueued),
        scope(e) {}

  std::string new_name(const corev1::Event& event) const {
    return cat(event.involved_object.name, ".", hex16(executor.wall().time_since_epoch().count()));
  }
  async::Task<void> run(async::StopToken stop);
  async::Task<void> write(corev1::Event event, async::StopToken stop);
  async::Task<Result<corev1::Event>> try_write(EventCorrelator::Decision decision,
                                               async::StopToken stop);

  async::Executor& executor;
  Client& client;
  Logger log;
  const std::string component;
  const std::string host;
  EventCorrelator correlator;
  std::int64_t last_nanos = 0;
  async::Channel<corev1::Event> queue;
  async::Scope scope;
};

EventRecorder::EventRecorder(async::Executor& executor, Client& client, Logger log,
                             std::string component, std::string host)
    : state_(std::make_unique<State>(executor, client, std::move(log), std::move(component),
                                     std::move(host))) {}

EventRecorder::~EventRecorder() = default;

void EventRecorder::start() { state_->scope.spawn(state_->run(state_->scope.stop_token())); }

async::Task<void> EventRecorder::stop() {
  state_->scope.request_stop();
  state_->queue.close();
  co_await state_->scope.join();
}

void EventRecorder::event(const corev1::ObjectReference& about, std::string_view type,
                          std::string_view reason, std::string message) {
  const WallTime now = state_->executor.wall();
  corev1::Event event;
  event.metadata.namespace_ = about.namespace_.empty() ? "default" : about.namespace_;
  std::int64_t nanos = now.time_since_epoch().count();
  if (nanos <= state_->last_nanos) nanos = state_->last_nanos + 1;
  state_->last_nanos = nanos;
  event.metadata.name = cat(about.name, ".", hex16(nanos));
  event.involved_object = about;
  event.reason = reason;
  event.message = std::move(message);
  event.type = type;
  event.first_timestamp = api::Time::from(now);
  event.last_timestamp = event.first_timestamp;
  event.count = 1;
  event.source.component = state_->component;
  event.source.host = state_->host;
  event.reporting_component = state_->component;
  event.reporting_instance = state_->host;
  if (!state_->queue.try_send(std::move(event))) {
    state_->log.warning("Event dropped, too many are waiting",
                        {kv("object", about.name), kv("reason", reason)});
  }
}

async::Task<void> EventRecorder::State::run(async::StopToken stop) {
  for (;;) {
    auto event = co_await queue.receive(stop);
    if (!event) co_return;
    co_await write(std::move(*event), stop);
  }
}

async::Task<void> EventRecorder::State::write(corev1::Event event, async::StopToken stop) {
  auto decision = correlator.decide(std::move(event), executor.steady());
  if (decision.drop) co_return;
  const std::string key = decision.key;
  for (int i = 0; i < kMaxTries; ++i) {
    auto written = co_await try_write(decision, stop);
    if (written) {
      correlator.written(key, *written);
      co_return;
    }
    if (stop.stop_requested()) co_return;
    const Status& error = written.error();
    if (!could_not_connect(error)) {
      if (!error.is(Reason::kAlreadyExists)) {
        log.warning("Event refused",
                    {kv("event", decision.event.metadata.name), kv("err", error.to_string())});
      }
      co_return;
    }
    const bool slept = co_await async::sleep_for(executor, kRetryAfter, stop);
    if (!slept) co_return;
  }
  log.warning("Event dropped, the server cannot be reached",
              {kv("event", decision.event.metadata.name)});
}

async::Task<Result<corev1::Event>> EventRecorder::State::try_write(
    EventCorrelator::Decision decision, async::StopToken stop) {
  if (decision.patch) {
    const corev1::Event& event = decision.event;
    const json::Value patch = json::Object{{"count", event.count},
                                           {"lastTimestamp", event.last_timestamp.to_string()},
                                           {"message", event.message}};
    auto patched = co_await client.patch<corev1::Event>(
        api::key_of(event), PatchType::kStrategicMerge, json::write(patch), {}, stop);
    if (patched || !patched.error().is(Reason::kNotFound)) co_return patched;
    decision.event.metadata.name = new_name(event);
  }
  decision.event.metadata.resource_version.clear();
  co_return co_await client.create<corev1::Event>(std::move(decision.event), stop);
}

corev1::ObjectReference reference_to(const api::TypeDesc& type, const metav1::ObjectMeta& meta,
                                     std::string_view field_path) {
  corev1::ObjectReference out;
  if (!type.gvks.empty()) out.kind = type.gvks.front().kind;
  out.api_version = api::api_version(type);
  out.namespace_ = meta.namespace_;
  out.name = meta.name;
  out.uid = meta.uid;
  out.resource_version = meta.resource_version;
  out.field_path = field_path;
  return out;
}

}  // namespace kpp::client
