#include "client/leader_election.h"

namespace kpp::client {

LeaderElector::LeaderElector(async::Executor& executor, Client& client, Logger log, Options options)
    : executor_(executor),
      client_(client),
      log_(std::move(log)),
      options_(std::move(options)),
      scope_(executor) {}

void LeaderElector::start() { scope_.spawn(run(scope_.stop_token())); }

async::Task<void> LeaderElector::stop() {
  scope_.request_stop();
  co_await scope_.join();
  if (leading_) {
    set_leading(false);
    co_await release();
  }
}

void LeaderElector::set_leading(bool leading) {
  if (leading_ == leading) return;
  leading_ = leading;
  log_.info(leading ? "Became the leader" : "Is the leader no more",
            {kv("lease", options_.name), kv("identity", options_.identity)});
  const auto& callback = leading ? options_.on_started : options_.on_stopped;
  if (callback) callback();
}

void LeaderElector::observe(const coordinationv1::Lease& lease) {
  if (lease.metadata.resource_version == observed_) return;
  observed_ = lease.metadata.resource_version;
  observed_at_ = executor_.steady();
}

async::Task<void> LeaderElector::run(async::StopToken stop) {
  TimePoint renewed = executor_.steady();
  while (!stop.stop_requested()) {
    const TimePoint before = executor_.steady();
    const bool held = co_await acquire_or_renew(stop);
    if (held) {
      renewed = before;
      set_leading(true);
    } else if (leading_ && executor_.steady() - renewed >= options_.renew_deadline) {
      set_leading(false);
    }
    const bool slept = co_await async::sleep_for(executor_, options_.retry_period, stop);
    if (!slept) co_return;
  }
}

async::Task<bool> LeaderElector::acquire_or_renew(async::StopToken stop) {
  const auto now = api::MicroTime::from(executor_.wall());
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(options_.lease_duration).count();
  auto lease =
      co_await client_.get<coordinationv1::Lease>({options_.namespace_, options_.name}, stop);
  if (!lease && !lease.error().is(Reason::kNotFound)) {
    log_.warning("Lease cannot be read",
                 {kv("lease", options_.name), kv("err", lease.error().to_string())});
    co_return false;
  }
  const bool exists = lease.has_value();
  coordinationv1::Lease next;
  if (exists) {
    observe(*lease);
    const std::string holder = lease->spec.holder_identity.value_or("");
    const bool ours = holder == options_.identity;
    const bool valid = observed_at_ + options_.lease_duration > executor_.steady();
    if (!ours && !holder.empty() && valid) {
      set_leading(false);
      co_return false;
    }
    next = std::move(*lease);
    if (!ours) {
      next.spec.lease_transitions = next.spec.lease_transitions.value_or(0) + 1;
      next.spec.acquire_time = now;
    }
  } else {
    next.metadata.name = options_.name;
    next.metadata.namespace_ = options_.namespace_;
    next.spec.lease_transitions = 0;
    next.spec.acquire_time = now;
  }
  next.spec.holder_identity = options_.identity;
  next.spec.lease_duration_seconds = static_cast<std::int32_t>(seconds);
  next.spec.renew_time = now;
  Result<coordinationv1::Lease> written;
  if (exists) {
    written = co_await client_.update<coordinationv1::Lease>(std::move(next), stop);
  } else {
    written = co_await client_.create<coordinationv1::Lease>(std::move(next), stop);
  }
  if (!written) co_return false;
  observe(*written);
  co_return true;
}

async::Task<void> LeaderElector::release() {
  auto lease =
      co_await client_.get<coordinationv1::Lease>({options_.namespace_, options_.name}, {});
  if (!lease || lease->spec.holder_identity.value_or("") != options_.identity) co_return;
  lease->spec.holder_identity = "";
  lease->spec.lease_duration_seconds = 1;
  lease->spec.renew_time = api::MicroTime::from(executor_.wall());
  auto written = co_await client_.update<coordinationv1::Lease>(std::move(*lease), {});
  if (!written) {
    log_.warning("Lease was not given up",
                 {kv("lease", options_.name), kv("err", written.error().to_string())});
  }
}

}  // namespace kpp::client
