// Leases: how keys of etcd end by themselves.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "async/wait.h"
#include "base/status.h"
#include "store/etcd/client.h"

namespace kpp::store {

// Gives writes a lease that lasts at least as long as their keys shall.
//
// Guarantees: one lease serves the writes of up to a minute (of a tenth of their time, if that is
//   less) and at most 1000 of them: a key may stay so much longer than it was to.
// Ownership: executor and client outlive it.
// Runs on: the executor.
class LeaseGranter {
 public:
  LeaseGranter(async::Executor& executor, EtcdClient& client)
      : executor_(executor), client_(client), turn_(executor, 1) {}

  async::Task<Result<std::int64_t>> lease_for(std::chrono::seconds ttl, async::StopToken stop);

 private:
  struct Lease {
    std::int64_t id = 0;
    int keys = 0;
    TimePoint serves_until;  // keys that are written up to here
  };
  async::Task<Result<std::int64_t>> grant(std::chrono::seconds ttl, async::StopToken stop);

  async::Executor& executor_;
  EtcdClient& client_;
  async::Semaphore turn_;
  std::map<std::chrono::seconds, Lease> newest_;  // by the time that keys are to stay
};

}  // namespace kpp::store
