// The cluster's name server: Kubernetes names from memory, all others from upstream servers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "base/status.h"
#include "client/client.h"
#include "dns/corefile.h"

namespace kpp::dns {

struct DnsDeps {
  async::IoExecutor& executor;
  client::Client& client;
  Logger log;
};

struct DnsOptions {
  std::vector<ServerBlock> blocks;
  std::vector<std::string> bind_addresses = {"0.0.0.0"};
  bool serve_health = true;  // the addresses that the blocks name for health, ready and prometheus
};

// Guarantees: answers follow the API within a watch's delay; an unreachable API server leaves the
// last known names in
//   place. Before the first list is known, the cluster's names are answered with SERVFAIL.
// Ownership: deps outlive it.
// Runs on: deps.executor only.
// Errors: start() fails when an address or the configuration cannot be used; later faults are
// logged. Stop: stop() before destruction once start() was called.
class DnsServer {
 public:
  DnsServer(DnsDeps deps, DnsOptions options);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  Status start();
  // True once services and endpoint slices are known; false if stopped first.
  async::Task<bool> wait_synced(async::StopToken stop);
  // The port that is served (of use when the configuration says 0).
  std::uint16_t port() const;
  async::Task<void> stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kpp::dns
