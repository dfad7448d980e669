// A cluster of a lab's machines, made by kubeadm as a person makes one.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "lab/lab.h"
#include "lab/machines.h"

namespace kpp::lab {

struct ClusterOptions {
  MachinesOptions machines;    // the first is the control plane
  std::string store = "etcd";  // or embedded
  std::string pod_network_cidr = "10.244.0.0/16";
};

// Makes the machines, then in them: kubeadm init, the pod network, kubeadm join on the others, all
// that can be at once at once; waits until every node is Ready and the cluster's DNS is available.
// The administrator's kubeconfig is the control plane's ~/.kube/config. `done` is told each step.
// On failure nothing stays. Errors: what the command that failed wrote.
Status make_cluster(ClusterOptions options, const std::function<void(const std::string&)>& done);

// "kubeadm join ..." as one line, of what `kubeadm init` printed; empty if it is not there.
std::string join_command_of(std::string_view printed);

}  // namespace kpp::lab
