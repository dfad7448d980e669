// What kubeadm writes into a new cluster once its API server answers.
#pragma once

#include <string>
#include <string_view>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "client/client.h"
#include "kubeadm/config.h"
#include "kubeadm/phases.h"
#include "kubeadm/printer.h"

namespace kpp::kubeadm {

inline constexpr std::string_view kControlPlaneLabel = "node-role.kubernetes.io/control-plane";

// The phases upload-config, upload-certs, mark-control-plane, bootstrap-token, kubelet-finalize and
// addon.
//
// Guarantees: a phase may run again; it then finds what it made.
// Ownership: the executor outlives it.
class ClusterSetup {
 public:
  ClusterSetup(async::IoExecutor& executor, Printer print, InitConfig config,
               std::string kubelet_config, async::StopToken stop)
      : executor_(executor),
        print_(std::move(print)),
        config_(std::move(config)),
        kubelet_config_(std::move(kubelet_config)),
        stop_(std::move(stop)) {}

  // Of a phase with parts, those that are chosen.
  async::Task<Status> run(std::string_view phase, PhaseChoice choice);
  // How the cluster is used, and how others join it.
  Status closing_words() const;

 private:
  async::Task<Status> upload_config(client::Client& api, PhaseChoice choice);
  async::Task<Status> upload_certificates(client::Client& api);
  async::Task<Status> bootstrap_tokens(client::Client& api);
  Status finalize_kubelet() const;
  async::Task<Status> add_dns(client::Client& api);
  async::Task<Status> add_proxy(client::Client& api);
  void say_how_control_planes_join(const std::string& command) const;

  async::IoExecutor& executor_;
  const Printer print_;
  InitConfig config_;
  const std::string kubelet_config_;
  const async::StopToken stop_;
};

// Labels and taints the node of a control plane, once its kubelet has registered it.
async::Task<Status> mark_control_plane(async::IoExecutor& executor, Printer print,
                                       client::Client& api, NodeRegistration node,
                                       async::StopToken stop);

// `kubeadm join HOST:PORT --token T \ --discovery-token-ca-cert-hash sha256:H`.
Result<std::string> join_command(const std::string& endpoint, const std::string& ca_pem,
                                 const std::string& token);

}  // namespace kpp::kubeadm
