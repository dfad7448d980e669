// Leader election of a component that runs alone, by a Lease.
#pragma once

#include <memory>
#include <string>

#include "client/leader_election.h"
#include "flags.h"
#include "process.h"
#include "secure_serving.h"

namespace kpp::cmd {

// The flags --leader-elect and --leader-elect-*, with the original's defaults.
struct LeaderFlags {
  explicit LeaderFlags(std::string component) : resource_name(std::move(component)) {}

  bool elect = true;
  std::string resource_lock = "leases";
  std::string resource_name;
  std::string resource_namespace = "kube-system";
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);

  void add_to(Flags& flags);
  // Errors: kInvalid.
  Status validate() const;
};

// Guarantees: one copy at a time works between lead() and the end of until_over(), if election is
// on. Ownership: process and client must outlive it. Stop: give_up() before destruction.
class Leadership {
 public:
  Leadership(Process& process, client::Client& client, const LeaderFlags& flags);

  // Waits for the lease; false if the process is to end first.
  async::Task<bool> lead();
  // Waits until the process is to end, or leadership is lost: that is an error, and the process
  // must end so that it does not act beside the next leader.
  async::Task<Status> until_over();
  async::Task<void> give_up();

 private:
  Process& process_;
  async::Event changed_;
  std::unique_ptr<client::LeaderElector> elector_;  // nullptr: no election
};

// What a component does while it leads.
class LedWork {
 public:
  virtual ~LedWork() = default;
  virtual Status start() = 0;
  // Only after start() was ok.
  virtual async::Task<void> stop() = 0;
};

// Serves, waits for leadership, works until the process is to end or leadership is lost.
async::Task<Status> serve_and_lead(Process& process, client::Client& client, SecureServing& serving,
                                   const LeaderFlags& election, LedWork& work);

}  // namespace kpp::cmd
