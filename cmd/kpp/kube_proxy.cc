// The proxy, alone against an API server over the network.
#include "commands.h"
#include "connection.h"
#include "flags.h"
#include "process.h"
#include "proxy/proxier.h"

namespace kpp::cmd {
namespace {

async::Task<Status> run_proxy(Process& process, std::string kubeconfig,
                              proxy::ProxyOptions options) {
  KPP_CO_ASSIGN(Connection api, connect(process, kubeconfig, "kube-proxy"));
  sys::SystemCommands commands(process.executor, process.pool);
  process.log.info("Using iptables Proxier");
  proxy::Proxier proxier({process.executor, *api.client, commands, process.log},
                         std::move(options));
  proxier.start();
  co_await until_stopped(process);
  co_await proxier.stop();
  co_return Status();
}

}  // namespace

int kube_proxy_main(int argc, char** argv) {
  std::string kubeconfig;
  int verbosity = 0;
  bool cleanup = false;
  proxy::ProxyOptions options;
  options.hostname_override = host_name();
  Flags flags("kube-proxy", "Keeps this node's netfilter rules equal to the cluster's services.");
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server");
  flags.add("hostname-override", &options.hostname_override, "the node's name");
  flags.add("proxy-mode", &options.mode, "iptables");
  flags.add("cluster-cidr", &options.cluster_cidr, "the range of pod addresses");
  flags.add("masquerade-all", &options.masquerade_all, "masquerade all traffic to cluster IPs");
  flags.add("nodeport-addresses", &options.node_port_addresses,
            "ranges of addresses that serve node ports");
  flags.add("cleanup", &cleanup, "remove all rules of kube-proxy and end");
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kube-proxy", s);
  if (Status s = options.validate(); !s.ok()) return report("kube-proxy", s);
  return run_process(verbosity, "kube-proxy", [&](Process& p) -> async::Task<Status> {
    if (!cleanup) return run_proxy(p, kubeconfig, options);
    return [](Process& process) -> async::Task<Status> {
      sys::SystemCommands commands(process.executor, process.pool);
      Status done = co_await proxy::cleanup(commands);
      co_return done;
    }(p);
  });
}

}  // namespace kpp::cmd
