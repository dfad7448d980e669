// The pod network of this node, as it runs in a pod of its DaemonSet.
#include <cstdio>

#include "base/version.h"
#include "commands.h"
#include "connection.h"
#include "flags.h"
#include "network/agent.h"
#include "network/manifest.h"
#include "process.h"

namespace kpp::cmd {
namespace {

async::Task<Status> run_network(Process& process, std::string kubeconfig,
                                network::NetworkOptions options) {
  KPP_CO_ASSIGN(Connection api, connect_from_pod(process, kubeconfig, "kpp-net"));
  KPP_CO_ASSIGN(sys::RouteTables tables, sys::RouteTables::open());
  KPP_CO_ASSIGN(sys::Fd monitor, sys::open_route_monitor());
  sys::SystemCommands commands(process.executor, process.pool);
  network::Agent agent(
      {process.executor, *api.client, commands, tables, std::move(monitor), process.log},
      std::move(options));
  agent.start();
  co_await until_stopped(process);
  co_await agent.stop();
  co_return Status();
}

}  // namespace

int network_agent_main(int argc, char** argv) {
  std::string kubeconfig, settings = "/etc/kpp-net", repository = "registry.k8s.io";
  bool print = false;
  int verbosity = 0;
  network::NetworkOptions options;
  options.node_name = host_name();
  Flags flags("kpp-net", "Joins the pods of this node with those of all other nodes.");
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server; empty: as a pod finds it");
  flags.add("node-name", &options.node_name, "the node's name");
  flags.add("settings", &settings, "a directory with a file a setting: mode, vni, port, mtu");
  flags.add("cni-file", &options.cni_file, "where the container runtime looks for the network");
  flags.add("print-manifest", &print, "print what kubectl apply -f installs, and end");
  flags.add("image-repository", &repository, "where the manifest takes its image from");
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kpp-net", s);
  if (print) {
    const std::string image = cat(repository, "/kube-proxy:", kKubernetesVersion);
    std::fputs(network::manifest({image}).c_str(), stdout);
    return 0;
  }
  if (Status s = network::read_settings(settings, options); !s.ok()) return report("kpp-net", s);
  return run_process(verbosity, "kpp-net",
                     [&](Process& p) { return run_network(p, kubeconfig, options); });
}

}  // namespace kpp::cmd
