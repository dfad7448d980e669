// Where the kubernetes service leads: every API server that lives.
#pragma once

#include <string>
#include <vector>

#include "apiserver/call.h"
#include "async/scope.h"
#include "async/wait.h"

namespace kpp::apiserver {

inline constexpr std::string_view kMasterLeases = "/registry/masterleases/";

// Keeps a key of its own under kMasterLeases, which ends when it is not renewed, and the endpoints
// of the kubernetes service: the addresses of all keys there.
//
// Guarantees: a server that died leaves the endpoints within 25 seconds, one that stops at once,
//   unless it is the last.
// Ownership: core outlives it.
// Runs on: the server's executor only.
// Stop: stop(), before the cache stops.
class EndpointReconciler {
 public:
  static constexpr std::chrono::seconds kInterval{10};
  static constexpr std::chrono::seconds kTimeToLive{15};

  // The address and port under which members of the cluster reach this server.
  EndpointReconciler(Core& core, std::string address, int port)
      : core_(core), address_(std::move(address)), port_(port), scope_(core.executor) {}

  // Says that this server is there, and brings the endpoints up to date.
  async::Task<Status> reconcile(async::StopToken stop);
  // From now on every interval.
  void start() { scope_.spawn(run(scope_.stop_token())); }
  async::Task<void> stop();

 private:
  async::Task<void> run(async::StopToken stop);
  async::Task<Status> renew(async::StopToken stop);
  async::Task<Result<std::vector<std::string>>> living(async::StopToken stop);
  async::Task<Status> write_endpoints(std::vector<std::string> addresses, async::StopToken stop);

  Core& core_;
  const std::string address_;
  const int port_;
  std::int64_t renewals_ = 0;
  async::Scope scope_;
};

}  // namespace kpp::apiserver
