#include "leader.h"

#include <unistd.h>

#include "base/ids.h"

namespace kpp::cmd {

void LeaderFlags::add_to(Flags& flags) {
  flags.add("leader-elect", &elect,
            "gain leadership by a lease before working; for several copies of a component");
  flags.add("leader-elect-lease-duration", &lease_duration,
            "how long the others wait for a leader that does not renew");
  flags.add("leader-elect-renew-deadline", &renew_deadline,
            "how long a leader tries to renew before it gives up");
  flags.add("leader-elect-resource-lock", &resource_lock,
            "the kind of object that is held: leases");
  flags.add("leader-elect-resource-name", &resource_name, "the lease's name");
  flags.add("leader-elect-resource-namespace", &resource_namespace, "the lease's namespace");
  flags.add("leader-elect-retry-period", &retry_period, "the time between two attempts");
}

Status LeaderFlags::validate() const {
  if (!elect) return Status();
  if (resource_lock != "leases")
    return Status(Reason::kInvalid,
                  cat("leaderElection.resourceLock: Invalid value: ", quoted(resource_lock),
                      ": resourceLock value must be \"leases\""));
  if (lease_duration <= renew_deadline)
    return Status(Reason::kInvalid, "leaseDuration must be greater than renewDeadline");
  if (renew_deadline <= retry_period)
    return Status(Reason::kInvalid, "renewDeadline must be greater than retryPeriod");
  return Status();
}

Leadership::Leadership(Process& process, client::Client& client, const LeaderFlags& flags)
    : process_(process), changed_(process.executor) {
  if (!flags.elect) return;
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  client::LeaderElector::Options options;
  options.namespace_ = flags.resource_namespace;
  options.name = flags.resource_name;
  options.identity = cat(host, "_", new_uuid());
  options.lease_duration = flags.lease_duration;
  options.renew_deadline = flags.renew_deadline;
  options.retry_period = flags.retry_period;
  options.on_started = [this] { changed_.pulse(); };
  options.on_stopped = [this] { changed_.pulse(); };
  elector_ = std::make_unique<client::LeaderElector>(process.executor, client, process.log,
                                                     std::move(options));
}

async::Task<bool> Leadership::lead() {
  if (!elector_) co_return !process_.stop.stop_requested();
  elector_->start();
  while (!elector_->is_leader()) {
    const bool woken = co_await changed_.wait(process_.stop);
    if (!woken) co_return false;
  }
  co_return true;
}

async::Task<Status> Leadership::until_over() {
  while (!process_.stop.stop_requested()) {
    if (elector_ && !elector_->is_leader())
      co_return Status(Reason::kTimeout, "leaderelection lost");
    const bool woken = co_await changed_.wait(process_.stop);
    if (!woken) break;
  }
  co_return Status();
}

async::Task<void> Leadership::give_up() {
  if (elector_) co_await elector_->stop();
}

async::Task<Status> serve_and_lead(Process& process, client::Client& client, SecureServing& serving,
                                   const LeaderFlags& election, LedWork& work) {
  Status status = serving.start();
  if (!status.ok()) {
    co_await serving.stop();
    co_return status;
  }
  Leadership leadership(process, client, election);
  const bool leads = co_await leadership.lead();
  if (leads) {
    status = work.start();
    if (status.ok()) {
      status = co_await leadership.until_over();
      co_await work.stop();
    }
  }
  co_await leadership.give_up();
  co_await serving.stop();
  co_return status;
}

}  // namespace kpp::cmd
