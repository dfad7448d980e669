// What services hold of the cluster's addresses and node ports, written down where every API server
// sees it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "api/corev1.h"
#include "apiserver/call.h"
#include "apiserver/port_range.h"
#include "async/scope.h"
#include "async/wait.h"

namespace kpp::apiserver {

// An IPAddress object for each cluster IP, and one RangeAllocation for all node ports: of two
// servers that choose the same, one is told so by the store.
//
// Guarantees: what is claimed is held by one service. What a server that died had claimed for a
//   service that was never written is free again after some rounds of repair; what a service holds
//   without a claim is claimed.
// Ownership: core outlives it.
// Runs on: the server's executor only.
// Stop: stop(), before the cache stops.
class ServiceClaims {
 public:
  static constexpr std::chrono::minutes kRepairInterval{3};
  static constexpr std::string_view kPortsKey = "/registry/ranges/servicenodeports";

  // The ports of the range are kept; those that a service may have outside of it are not.
  ServiceClaims(Core& core, std::int32_t first_port, std::int32_t last_port)
      : core_(core),
        first_port_(first_port),
        last_port_(last_port),
        one_at_a_time_(core.executor, 1),
        scope_(core.executor) {}

  struct Held {
    std::set<std::string> addresses;
    std::set<std::int32_t> ports;
  };
  // What the service has and `without`, which may be nullptr, has not.
  static Held held(const corev1::Service& service, const corev1::Service* without);

  // Takes what the service has and `old`, nullptr for a new one, has not: all of it or nothing.
  // Returns what was taken. kAlreadyExists: another service has one of them, named in the details;
  // so has a service of the same name, unless only its claim outlived the server that made it.
  async::Task<Result<Held>> claim(const corev1::Service& service, const corev1::Service* old,
                                  async::StopToken stop);
  // Gives back what the service held. What cannot be given back now is found by the repair.
  async::Task<void> release(const corev1::Service& service, Held held, async::StopToken stop);

  // One round: claims for what services hold; ends claims that no service had in the last rounds.
  async::Task<Status> repair(async::StopToken stop);
  void start() { scope_.spawn(run(scope_.stop_token())); }
  async::Task<void> stop();

 private:
  using PortChange = std::function<Status(PortRange&)>;
  async::Task<void> run(async::StopToken stop);
  async::Task<Status> claim_address(const corev1::Service& service, std::string address,
                                    async::StopToken stop);
  // The claim that the cache shows is made anew for the service, if that does not exist.
  async::Task<Status> take_over(const corev1::Service& service, std::string address,
                                async::StopToken stop);
  async::Task<void> release_addresses(std::set<std::string> addresses, std::string owner,
                                      async::StopToken stop);
  async::Task<Status> repair_addresses(async::StopToken stop);
  async::Task<Status> repair_ports(async::StopToken stop);
  // Changes the ports that are kept, one change after the other; again when another server was
  // quicker.
  async::Task<Status> change_ports(PortChange change, async::StopToken stop);
  async::Task<Status> change_ports_now(const PortChange& change, async::StopToken stop);

  Core& core_;
  const std::int32_t first_port_, last_port_;
  // Rounds in which nobody had what is claimed.
  std::map<std::string, int> idle_addresses_;
  std::map<std::int32_t, int> idle_ports_;
  async::Semaphore one_at_a_time_;
  async::Scope scope_;
};

}  // namespace kpp::apiserver
