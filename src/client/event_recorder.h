// Writes core/v1 Events about objects, as the original's components do: equal events are counted,
// not repeated.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/corev1.h"
#include "async/executor.h"
#include "async/scope.h"
#include "base/log.h"
#include "client/client.h"

namespace kpp::client {

// Guarantees: event() never waits; events are written in order, in the background; an event that
// cannot be written is
//   dropped with a log line. Equal events (object, type, reason, message, source) within the
//   correlation window raise count and lastTimestamp of the first, by a patch.
// Runs on: its executor only.
class EventRecorder {
 public:
  // component: "kubelet", "default-scheduler", ...; host: the node's name or empty.
  EventRecorder(async::Executor& executor, Client& client, Logger log, std::string component,
                std::string host = {});
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  // type: Normal or Warning.
  void event(const corev1::ObjectReference& about, std::string_view type, std::string_view reason,
             std::string message);
  void start();
  async::Task<void> stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A reference to an object as events carry it; field_path e.g. "spec.containers{nginx}".
corev1::ObjectReference reference_to(const api::TypeDesc& type, const metav1::ObjectMeta& meta,
                                     std::string_view field_path = {});

}  // namespace kpp::client
