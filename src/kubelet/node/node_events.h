// What the kubelet tells of its node in events.
#pragma once

#include <map>
#include <string>

#include "api/corev1.h"
#include "client/event_recorder.h"

namespace kpp::kubelet {

// Guarantees: a condition is told of when it is seen first and when it changes; Ready only when the
// API had it otherwise. Events are about a Node whose uid is its name: they may come before the
// node is registered. Ownership: the recorder must outlive it. Runs on: its executor only.
class NodeEvents {
 public:
  NodeEvents(client::EventRecorder& events, std::string node_name);

  void starting();
  void allocatable_enforced(std::string_view on);  // "pods", ...
  void enforcement_failed(const std::string& why);
  // `before`: what the API had; told of once a status that says so was written.
  void status_written(const corev1::NodeStatus& before, const corev1::NodeStatus& now);

 private:
  void tell(std::string_view type, std::string_view reason, std::string message);

  client::EventRecorder& events_;
  const std::string node_name_;
  std::map<std::string, std::string> told_;  // status by condition
};

// The reason of the event about a condition: NodeReady, NodeHasDiskPressure, ...; empty: none.
std::string condition_event(std::string_view type, std::string_view status);

}  // namespace kpp::kubelet
