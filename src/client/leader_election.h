// One of several copies of a component leads, by a Lease of coordination.k8s.io.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/coordinationv1.h"
#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"
#include "client/client.h"

namespace kpp::client {

// Guarantees: between `on_started` and `on_stopped` no other copy leads, as long as clocks run
// equally fast: a lease
//   that was not renewed for lease_duration, by this copy's own clock, may be taken; who cannot
//   renew gives up before.
// Ownership: executor and client must outlive it.
// Runs on: its executor only.
// Stop: stop() gives the lease up, so that another copy takes it at once.
class LeaderElector {
 public:
  struct Options {
    std::string namespace_ = "kube-system";
    std::string name;
    std::string identity;
    Duration lease_duration = std::chrono::seconds(15);
    Duration renew_deadline = std::chrono::seconds(10);
    Duration retry_period = std::chrono::seconds(2);
    std::function<void()> on_started;
    std::function<void()> on_stopped;  // leadership was lost or given up
  };

  LeaderElector(async::Executor& executor, Client& client, Logger log, Options options);
  void start();
  async::Task<void> stop();
  bool is_leader() const { return leading_; }

 private:
  async::Task<void> run(async::StopToken stop);
  // True if the lease is ours for lease_duration from now on.
  async::Task<bool> acquire_or_renew(async::StopToken stop);
  async::Task<void> release();
  void set_leading(bool leading);
  void observe(const coordinationv1::Lease& lease);

  async::Executor& executor_;
  Client& client_;
  Logger log_;
  const Options options_;
  bool leading_ = false;
  std::string observed_;  // resource version of the lease, as last seen
  TimePoint observed_at_;
  async::Scope scope_;
};

}  // namespace kpp::client
