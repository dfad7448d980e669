// The Node object of this machine. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "api/cri.h"
#include "base/clock.h"
#include "kubelet/node/allocatable.h"
#include "kubelet/node/machine.h"
#include "kubelet/options.h"

namespace kpp::kubelet {

// What the runtime answered when it was asked last.
struct RuntimeHealth {
  bool answers = false;
  std::string version;    // "containerd://1.6.20"
  std::string not_ready;  // why not, in the words of the Ready condition; empty: ready
  std::vector<cri::Image> images;
  std::vector<corev1::NodeRuntimeHandler> handlers;
  std::optional<corev1::NodeFeatures> features;  // nullopt: the runtime does not say
};

// Reads the runtime's conditions.
std::string runtime_not_ready(const cri::RuntimeStatus& status);
// Puts what the runtime can do into the health.
void take_features(const cri::StatusResponse& status, RuntimeHealth& health);

// Labels and annotations that every node carries, for a node that registers.
corev1::Node new_node(const Machine& machine, const KubeletOptions& options);
// Puts what the kubelet knows into the status; times of transition stay where nothing changed.
void fill_status(corev1::NodeStatus& status, const Machine& machine, const KubeletOptions& options,
                 const RuntimeHealth& runtime, WallTime now);
// True if they say the same, heartbeats aside.
bool same_status(corev1::NodeStatus a, corev1::NodeStatus b);
bool is_ready(const corev1::NodeStatus& status);

}  // namespace kpp::kubelet
