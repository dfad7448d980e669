// The pod network of one node: joins its pods with those of all other nodes.
#pragma once

#include <memory>

#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "client/client.h"
#include "linux/commands.h"
#include "linux/route_tables.h"
#include "network/options.h"

namespace kpp::network {

struct AgentDeps {
  async::IoExecutor& executor;
  client::Client& client;
  sys::Commands& commands;
  sys::RouteTables& tables;
  sys::Fd monitor;  // of sys::open_route_monitor()
  Logger log;
};

// Guarantees: follows the Node objects and the kernel's own tables: a link that was down, a route
//   that somebody deleted stand again within a second. Pods get links only once their rules stand.
//   Everything stays when it stops: packets go on, and the next agent leaves what it finds.
// Runs on: deps.executor only. Errors: logged when they come, tried again.
// Stop: stop() waits for the program that is running.
class Agent {
 public:
  Agent(AgentDeps deps, NetworkOptions options);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  void start();
  async::Task<void> stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kpp::network
