// Writes the status of one pod to the API.
#pragma once

#include <memory>
#include <string>

#include "api/corev1.h"
#include "async/executor.h"
#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"
#include "client/client.h"

namespace kpp::kubelet {

// Guarantees: what was set last is what stands in the API in the end; of several in quick
// succession some may be left
//   out. A write that fails is tried again, with growing pauses. Nothing is written if nothing
//   changed.
// Runs on: its executor only.
// Stop: stop() drops what is not written yet.
class StatusWriter {
 public:
  StatusWriter(async::Executor& executor, client::Client& client, const Logger& log,
               const corev1::Pod& pod);
  StatusWriter(const StatusWriter&) = delete;
  StatusWriter& operator=(const StatusWriter&) = delete;

  void start();
  // The object that stands for the pod in the API: another than when the writer was made, or, for a
  // static pod, the first. `known` is the status that it has.
  void retarget(std::string uid, corev1::PodStatus known);
  void set(corev1::PodStatus status);
  // What was set last, or what the API had when the pod was first seen.
  const corev1::PodStatus& latest() const { return latest_; }
  // True once everything that was set is in the API, or the pod is gone there; false if stopped
  // first.
  async::Task<bool> flushed(async::StopToken stop);
  async::Task<void> stop();

 private:
  async::Task<void> run();
  async::Task<Status> write(corev1::PodStatus status, async::StopToken stop);

  async::Executor& executor_;
  client::Client& client_;
  const Logger& log_;
  const api::ObjectKey key_;
  std::string uid_;
  corev1::PodStatus latest_;
  corev1::PodStatus written_;
  bool dirty_ = false;
  bool gone_ = false;
  async::Event wake_;
  async::Event clean_;
  async::Scope scope_;
};

}  // namespace kpp::kubelet
