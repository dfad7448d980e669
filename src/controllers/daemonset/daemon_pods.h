// Decisions of the daemon set controller that need no API.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/appsv1.h"
#include "base/clock.h"
#include "controllers/pod_batch.h"

namespace kpp::controllers {

using NodeRef = std::shared_ptr<const corev1::Node>;
// Pods by the node that they are on, or are made for.
using PodsByNode = std::map<std::string, std::vector<PodRef>>;

// The daemon set's pod for a node: pinned to it by node affinity, bearing the taints that a node's
// state brings, labelled with the revision's hash.
corev1::Pod daemon_pod(const appsv1::DaemonSet& set, const std::string& node,
                       const std::string& hash);
// The node a daemon pod is on or is pinned to; empty: neither.
std::string target_node(const corev1::Pod& pod);

struct NodeVerdict {
  bool should_run = false;        // a pod belongs there
  bool may_keep_running = false;  // one that is there may stay
};
NodeVerdict verdict_for(const appsv1::DaemonSet& set, const corev1::Node& node);

bool is_updated(const appsv1::DaemonSet& set, const corev1::Pod& pod, const std::string& hash);
std::int32_t max_surge(const appsv1::DaemonSet& set, std::int32_t desired);
std::int32_t max_unavailable(const appsv1::DaemonSet& set, std::int32_t desired);
// Those that have a node first, then the oldest.
void sort_by_age(std::vector<PodRef>& pods);

struct DaemonChange {
  std::vector<std::string> create_on;
  std::vector<PodRef> remove;
};
// The pods too many among those that run on one node.
std::vector<PodRef> surplus(const appsv1::DaemonSet& set, std::vector<PodRef> running,
                            const std::string& hash, WallTime now);
// The next step of a rolling update.
DaemonChange rolling_step(const appsv1::DaemonSet& set, const std::vector<NodeRef>& nodes,
                          const PodsByNode& pods, const std::string& hash, WallTime now);

appsv1::DaemonSetStatus daemon_status(const appsv1::DaemonSet& set,
                                      const std::vector<NodeRef>& nodes, const PodsByNode& pods,
                                      const std::string& hash, WallTime now);

}  // namespace kpp::controllers
