// All components in one process, talking to the API server without a socket.
#pragma once

#include <memory>
#include <string>

#include "client/client.h"
#include "client/in_process_transport.h"
#include "control_plane.h"
#include "controllers/registry.h"
#include "dns/dns_server.h"
#include "kubelet/kubelet.h"
#include "process.h"
#include "proxy/proxier.h"
#include "scheduler/scheduler.h"

namespace kpp::cmd {

struct ClusterOptions {
  ControlPlaneOptions control_plane;
  bool with_node = false;
  kubelet::KubeletOptions kubelet;
  proxy::ProxyOptions proxy;
};

// Ownership: the process's executor, pool and log outlive it. Runs on: the executor.
// Stop: stop() before destruction; containers keep running.
class ClusterProcess {
 public:
  ClusterProcess(Process& process, ClusterOptions options);
  ~ClusterProcess();

  // Returns when the API serves, scheduler and controllers run and, with a node, the node is Ready.
  async::Task<Status> start();
  async::Task<void> stop();

 private:
  async::Task<Status> start_dns();

  // One component's way to the API server: with its own name, and the rights of that alone.
  struct Seat {
    Seat(net::Handler& server, const std::string& user, const std::string& agent,
         std::vector<std::string> groups = {})
        : transport(server, user, std::move(groups)), client(transport, agent) {}
    client::InProcessTransport transport;
    client::Client client;
  };

  Process& process_;
  ClusterOptions options_;
  ControlPlane plane_;
  std::unique_ptr<Seat> scheduler_seat_, controllers_seat_, kubelet_seat_, proxy_seat_, dns_seat_;
  std::unique_ptr<controllers::AccountTransports> accounts_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<controllers::ControllerManager> controllers_;
  std::unique_ptr<kubelet::Kubelet> kubelet_;
  std::unique_ptr<sys::SystemCommands> commands_;
  std::unique_ptr<proxy::Proxier> proxier_;
  std::unique_ptr<dns::DnsServer> dns_;
};

}  // namespace kpp::cmd
