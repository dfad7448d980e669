// Notices what changes in the runtime, by asking it every second.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"
#include "kubelet/cri/runtime.h"

namespace kpp::kubelet {

// A runtime without a stream of events is listed every second: two calls, whatever the number of
// pods.
//
// Guarantees: `changed` is called with the uid of each pod whose sandboxes or containers came, went
// or changed state
//   since the last list; `listed` with the uids of all pods that have sandboxes, after each list.
// Runs on: its executor only.
class Pleg {
 public:
  using Changed = std::function<void(const std::string& uid)>;
  using Listed =
      std::function<void(const std::map<std::string, std::vector<std::string>>& sandboxes_by_uid)>;

  Pleg(async::Executor& executor, Runtime& runtime, Logger log, Changed changed, Listed listed);
  void start();
  async::Task<void> stop();
  // The runtime answered the last time it was asked.
  bool healthy() const { return healthy_; }

 private:
  async::Task<void> run();
  async::Task<bool> relist(async::StopToken stop);

  async::Executor& executor_;
  Runtime& runtime_;
  Logger log_;
  Changed changed_;
  Listed listed_;
  std::map<std::string, std::uint64_t> seen_;  // by uid: a hash of what is there and in which state
  bool healthy_ = true;
  async::Scope scope_;
};

}  // namespace kpp::kubelet
