// kube-scheduler: gives each pod that waits a node, and says why where there is none.
#pragma once

#include <memory>
#include <string>

#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "client/client.h"

namespace kpp::scheduler {

struct SchedulerDeps {
  async::Executor& executor;
  client::Client& client;
  Logger log;
};

// Names and defaults of KubeSchedulerConfiguration.
struct SchedulerOptions {
  std::string scheduler_name =
      "default-scheduler";               // serves the pods whose spec.schedulerName is this
  std::string identity;                  // of this instance in events; empty: the scheduler's name
  int percentage_of_nodes_to_score = 0;  // 0: by the number of nodes
  Duration pod_initial_backoff = std::chrono::seconds(1);
  Duration pod_max_backoff = std::chrono::seconds(10);
  Duration pod_max_in_unschedulable = std::chrono::minutes(5);
  // Fewer than the client keeps connections: a handshake costs more than a binding.
  int parallel_binds = 32;
};

// Guarantees: a pod is bound at most once; its resources count on the node from the decision on,
// not only when the
//   binding has come back through the watch. A pod that fits nowhere is tried again when something
//   changed that may help it, and every five minutes.
// Runs on: deps.executor only. Errors: those of the API are retried; what the pod waits for stands
// in its condition
//   PodScheduled and in events.
// Stop: stop() ends the loop and waits for the bindings under way.
class Scheduler {
 public:
  Scheduler(SchedulerDeps deps, SchedulerOptions options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void start();
  async::Task<void> stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kpp::scheduler
