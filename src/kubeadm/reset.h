// `kubeadm reset`: takes off a machine what init or join put on it.
#pragma once

#include <string>

#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "kubeadm/init.h"

namespace kpp::kubeadm {

struct ResetOptions {
  std::string cri_socket{kDefaultCriSocket};
  std::string certificates_dir = "/etc/kubernetes/pki";
  std::string etcd_data_dir = "/var/lib/etcd";
  bool dry_run = false;
};

// Stops the kubelet, removes the runtime's pods, what is mounted below /var/lib/kubelet, and the
// files. Goes on after an error, and answers the first.
async::Task<Status> reset(Setting setting, ResetOptions options, async::StopToken stop);

}  // namespace kpp::kubeadm
