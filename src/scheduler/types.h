// What the parts of the scheduler hand to each other: pods and nodes with what decisions need
// worked out once.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "api/corev1.h"
#include "api/meta.h"
#include "scheduler/affinity_term.h"
#include "scheduler/resources.h"

namespace kpp::scheduler {

using PodRef = std::shared_ptr<const corev1::Pod>;
using NodeRef = std::shared_ptr<const corev1::Node>;

// A port of the host: address (0.0.0.0 for all), protocol, number.
struct HostPort {
  std::string ip, protocol;
  int port = 0;
  friend auto operator<=>(const HostPort&, const HostPort&) = default;
};
std::vector<HostPort> host_ports(const corev1::Pod& pod);

// A pod with its demands. Immutable.
struct PodInfo {
  PodRef pod;
  Resources requests;
  Resources score_requests;
  std::vector<HostPort> ports;
  PodAffinity affinity;

  explicit PodInfo(PodRef p);
  std::int32_t priority() const { return pod->spec.priority.value_or(0); }
  api::ObjectKey key() const { return api::key_of(*pod); }
};
using PodInfoRef = std::shared_ptr<const PodInfo>;

// A node with what its pods have taken.
struct NodeInfo {
  NodeRef node;  // null: pods stand on a node that is not known
  // Of the node's spec; here so that a search over thousands of nodes need not look there.
  bool unschedulable = false;
  bool tainted = false;
  Resources allocatable;
  std::int64_t allowed_pods = 0;
  Resources requested;
  Resources score_requested;
  std::multiset<HostPort> ports;
  std::vector<PodInfoRef> pods;
  std::size_t with_affinity = 0;       // pods with affinity or anti-affinity of any kind
  std::size_t with_required_anti = 0;  // pods with required anti-affinity

  void set_node(NodeRef n);
  void add_pod(const PodInfoRef& pod);
  void remove_pod(const api::ObjectKey& key);
};

// The plugins that can refuse a node; what happened in the cluster is matched against them.
enum PluginBit : std::uint32_t {
  kNodeUnschedulableBit = 1U << 0U,
  kNodeNameBit = 1U << 1U,
  kTaintTolerationBit = 1U << 2U,
  kNodeAffinityBit = 1U << 3U,
  kNodePortsBit = 1U << 4U,
  kNodeResourcesFitBit = 1U << 5U,
  kOutsideSliceBit = 1U << 6U,
  kVolumeRestrictionsBit = 1U << 7U,
  kNodeVolumeLimitsBit = 1U << 8U,
  kVolumeBindingBit = 1U << 9U,
  kVolumeZoneBit = 1U << 10U,
  kPodTopologySpreadBit = 1U << 11U,
  kInterPodAffinityBit = 1U << 12U,
  kAllPluginBits = ~0U,
};

// What a filter says of a node.
struct Verdict {
  enum class Kind : std::uint8_t {
    kFits,
    kNo,
    kNeverHere
  };  // kNeverHere: not even without the pods that are there
  Kind kind = Kind::kFits;
  std::vector<std::string> reasons;

  bool fits() const { return kind == Kind::kFits; }
  static Verdict no(std::string reason) { return {Kind::kNo, {std::move(reason)}}; }
  static Verdict never(std::string reason) { return {Kind::kNeverHere, {std::move(reason)}}; }
};

}  // namespace kpp::scheduler
