// Looks at a machine before anything is changed on it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kubeadm/config.h"
#include "kubeadm/printer.h"

namespace kpp::kubeadm {

// One thing that is not as it should be, with the command that mends it.
struct Finding {
  std::string check;  // Port-6443, Swap, FileContent--proc-sys-net-ipv4-ip_forward
  std::string message;
  bool warning = false;
};

// What the container runtime says of itself.
struct RuntimeFacts {
  bool answers = false;
  std::string error;          // why it does not
  std::string name, version;  // containerd, 1.6.20
  std::string cgroup_driver;  // cgroupfs, systemd; empty: it does not say
  std::string sandbox_image;  // of pods; empty: it does not say
};

// The machine as the checks see it; in tests a folder with files of our own.
struct MachineView {
  std::string root;  // before /proc, /sys, /etc, /var
  RuntimeFacts runtime;
  std::vector<std::string> programs;  // that are on the PATH, of required_programs()
  std::vector<int> used_ports;        // TCP ports that something listens on
  long memory_mb = 0;
  int cpus = 0;
  long free_disk_mb = 0;  // below /var/lib
  bool is_root = false;
  bool resolves_hostname = false;
};

// Programs that a node needs, and those that it is only better with.
const std::vector<std::string_view>& required_programs();
const std::vector<std::string_view>& useful_programs();

// This machine. `runtime` is asked for by the caller (runtime.h).
MachineView look_at_machine(RuntimeFacts runtime, const std::string& node_name);

std::vector<Finding> check_for_init(const MachineView& machine, const InitConfig& config);
std::vector<Finding> check_for_join(const MachineView& machine, const JoinConfig& config);
// What a joining control plane needs beyond check_for_join().
std::vector<Finding> check_for_control_plane(const MachineView& machine, const InitConfig& config);

// Prints the warnings; kInvalid with a line for each error that is not to be ignored ("all": every
// one; names compare without case). An ignored error is printed as a warning.
Status judge(std::vector<Finding> findings, const std::vector<std::string>& ignored,
             const Printer& print);

// The TCP ports of /proc/net/tcp and tcp6 that are listened on.
std::vector<int> listening_ports(std::string_view proc_net_tcp);

}  // namespace kpp::kubeadm
