// What `kubeadm join --control-plane` does beyond a worker's join.
#pragma once

#include <string>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "client/client.h"
#include "kubeadm/config.h"
#include "kubeadm/phases.h"
#include "kubeadm/preflight.h"
#include "kubeadm/printer.h"

namespace kpp::kubeadm {

// One more control plane of a cluster that has etcd: the steps, in the order in which they are
// taken; of each, what is chosen.
//
// Ownership: the executor must outlive it.
// Runs on: the executor; make_files() blocks while keys are made.
class ControlPlaneJoin {
 public:
  // `config` is the cluster's, with this machine's node, address and port.
  ControlPlaneJoin(async::IoExecutor& executor, Printer print, InitConfig config,
                   PhaseChoice choice, async::StopToken stop)
      : executor_(executor),
        print_(std::move(print)),
        config_(std::move(config)),
        choice_(std::move(choice)),
        stop_(std::move(stop)) {}

  // Whether the cluster and this machine can have one more. kInvalid.
  Status check(const MachineView& machine, bool downloads) const;
  // The authorities and keys that control planes share, out of the cluster's Secret.
  async::Task<Status> download(client::Client& api, std::string certificate_key);
  // Certificates, kubeconfigs and static pods, all but etcd's. kInvalid if a shared file is
  // missing.
  Status make_files() const;
  // Announces this machine's etcd to the others and writes its static pod.
  async::Task<Status> announce_etcd();
  // Once the kubelet runs pods: waits until etcd has caught up and the components answer, and
  // marks the node.
  async::Task<Status> finish();
  void closing_words() const;

  const InitConfig& config() const { return config_; }

 private:
  std::string peer_url() const { return cat("https://", config_.advertise_address, ":2380"); }
  Status not_satisfied(std::string_view why) const;

  async::IoExecutor& executor_;
  const Printer print_;
  InitConfig config_;
  const PhaseChoice choice_;
  const async::StopToken stop_;
  std::vector<std::string> etcd_endpoints_;  // of the others
};

}  // namespace kpp::kubeadm
