// Which API servers there are: a Lease of each in kube-system.
#pragma once

#include <string>

#include "api/coordinationv1.h"
#include "apiserver/call.h"
#include "async/scope.h"
#include "async/wait.h"

namespace kpp::apiserver {

// Keeps the lease "apiserver-…" of this machine, and removes those that were not renewed for their
// time, an hour.
//
// Ownership: core outlives it.
// Runs on: the server's executor only.
// Stop: stop(), before the cache stops. The lease stays.
class IdentityLease {
 public:
  static constexpr std::chrono::seconds kRenewal{10};
  static constexpr std::chrono::seconds kDuration{3600};

  IdentityLease(Core& core, std::string hostname);

  void start() { scope_.spawn(run(scope_.stop_token())); }
  async::Task<void> stop();
  // From the name of the machine: the same after every start.
  static std::string name_for(std::string_view hostname);

 private:
  async::Task<void> run(async::StopToken stop);
  async::Task<Status> renew(async::StopToken stop);
  async::Task<void> remove_expired(async::StopToken stop);
  coordinationv1::Lease renewed(const CachedRef& present) const;

  Core& core_;
  const ServedResource& leases_;
  const std::string hostname_, name_, holder_;
  async::Scope scope_;
};

// True if the lease's time is over, and if it names none.
bool is_expired(const coordinationv1::Lease& lease, WallTime now);

}  // namespace kpp::apiserver
