// `kubeadm reset`: takes off a machine what init or join put on it.
#pragma once

#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "kubeadm/init.h"

namespace kpp::kubeadm {

// Of the chosen phases: takes this machine's etcd out of its cluster, stops the kubelet, removes
// the runtime's pods, what is mounted below /var/lib/kubelet, and the files. Goes on after an
// error, and answers the first. With config.dry_run it says what it would do.
async::Task<Status> reset(Setting setting, ResetConfig config, PhaseChoice choice,
                          async::StopToken stop);

}  // namespace kpp::kubeadm
