// What tells one machine from another: machines that were cloned share it, and do not make a
// cluster.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/json.h"
#include "kubeadm/preflight.h"

namespace kpp::kubeadm {

// The ConfigMap of kube-system that holds the identity of each machine that init or join made a
// node, by the node's name.
inline constexpr std::string_view kMachinesMap = "kubeadm-machines";

struct MachineIdentity {
  std::string product_uuid;                // of the firmware; without one, of /etc/machine-id
  std::vector<std::string> mac_addresses;  // of network cards; bridges and what is in them are none

  std::string text() const;
  static MachineIdentity parse(std::string_view text);
};

// `root` is before /sys and /etc.
MachineIdentity read_identity(const std::string& root);

// A finding for each thing that `machine` shares with the other node.
std::vector<Finding> compare(const MachineIdentity& machine, std::string_view other_node,
                             const MachineIdentity& other);

// The ConfigMap with the first machine in it, and the role that lets joining machines read it and
// add themselves.
std::vector<json::Object> machines_objects(std::string_view node, const MachineIdentity& machine);
// The patch with which a machine adds itself.
json::Object machine_patch(std::string_view node, const MachineIdentity& machine);

}  // namespace kpp::kubeadm
