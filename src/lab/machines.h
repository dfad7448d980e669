// Bare machines: nodes of a lab with a container runtime and nothing else, to be made a cluster of
// by hand.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "lab/docker.h"
#include "lab/lab.h"

namespace kpp::lab {

inline constexpr std::string_view kMachineNetwork = "192.168.1.0/24";
// A directory of the lab that every machine has, as a file server would give it to them.
inline constexpr std::string_view kSharedDirectory = "/srv/shared";

struct Machine {
  std::string name;
  std::string address;
};

// "3" (node1, node2, node3), "class,class2" or "class=192.168.1.12,class2=192.168.1.8". The first
// two machines without an address get 192.168.1.12 and .8, the others what follows. kInvalid names
// what is wrong.
Result<std::vector<Machine>> parse_machines(std::string_view text);

struct MachinesOptions {
  LabOptions lab;  // network is set to kMachineNetwork
  std::vector<Machine> machines;
  Runtime runtime = Runtime::kContainerd;
  std::string program;  // the binary that machines have as kpp, kubeadm, kubelet
};

// Makes the machines, after what an earlier lab of this name left was removed, and starts a
// containerd, and Docker beside it where that is the runtime, in each. `done` is told each step. On
// failure nothing stays.
Status make_machines(MachinesOptions options, const std::function<void(const std::string&)>& done);

}  // namespace kpp::lab
