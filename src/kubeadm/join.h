// `kubeadm join`: makes this machine a node of a cluster.
#pragma once

#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "kubeadm/config.h"
#include "kubeadm/init.h"

namespace kpp::kubeadm {

// Runs the chosen phases: pre-flight, discovery of the cluster by token and CA hash, the kubelet's
// start with a bootstrap credential, and the wait until it has a certificate of its own; with
// control_plane also what control_plane_join.h says. Errors: the
// phase that failed, named; where the kubelet was not started yet, nothing is left on the machine.
// With config.dry_run nothing is changed.
async::Task<Status> join(Setting setting, JoinConfig config, PhaseChoice choice,
                         async::StopToken stop);

}  // namespace kpp::kubeadm
