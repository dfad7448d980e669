// kube-proxy in iptables mode: keeps the node's netfilter rules equal to the cluster's services.
#pragma once

#include <memory>

#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "client/client.h"
#include "linux/commands.h"
#include "net/http.h"
#include "proxy/options.h"
#include "proxy/service_health.h"

namespace kpp::proxy {

struct ProxierDeps {
  async::Executor& executor;
  client::Client& client;
  sys::Commands& commands;
  Logger log;
  ServiceHealthPorts* service_health = nullptr;  // nothing is served at health check ports without
};

// Guarantees: writes only what has changed, at most once per min_sync_period with a burst of two;
// everything anew after
//   a failure, after someone flushed the tables, and when the node's labels or addresses changed.
//   Rules stay in place when it stops: traffic goes on.
// Runs on: deps.executor only. Errors: logged and tried again. A machine without ip6tables is
// served for IPv4 alone. Stop: stop() waits for the program that is running.
class Proxier {
 public:
  Proxier(ProxierDeps deps, ProxyOptions options);
  ~Proxier();
  Proxier(const Proxier&) = delete;
  Proxier& operator=(const Proxier&) = delete;

  void start();
  async::Task<void> stop();
  // What healthzBindAddress serves.
  net::Handler& health();
  // What metricsBindAddress serves.
  net::Handler& metrics();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Removes everything that a proxy made on this node (kube-proxy --cleanup).
async::Task<Status> cleanup(sys::Commands& commands);

}  // namespace kpp::proxy
