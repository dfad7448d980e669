// Kubelet and proxy, each alone against an API server over the network.
#include "commands.h"
#include "connection.h"
#include "flags.h"
#include "kubelet/kubelet.h"
#include "process.h"
#include "proxy/proxier.h"

namespace kpp::cmd {
namespace {

async::Task<Status> run_kubelet(Process& process, std::string kubeconfig,
                                kubelet::KubeletOptions options) {
  KPP_CO_ASSIGN(Connection api, connect(process, kubeconfig, "kubelet"));
  kubelet::Kubelet agent({process.executor, process.pool, *api.client, process.log},
                         std::move(options));
  KPP_CO_RETURN_IF_ERROR(co_await agent.start());
  co_await until_stopped(process);
  co_await agent.stop();
  co_return Status();
}

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

int kubelet_main(int argc, char** argv) {
  std::string kubeconfig;
  int verbosity = 0;
  kubelet::KubeletOptions options;
  options.node_name = host_name();
  Flags flags("kubelet", "Runs the pods of this node.");
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server");
  flags.add("hostname-override", &options.node_name, "the node's name");
  flags.add("node-ip", &options.node_ip, "the node's address");
  flags.add("root-dir", &options.root_dir, "where volumes and the like are kept");
  flags.add("container-runtime-endpoint", &options.container_runtime_endpoint,
            "the CRI runtime's socket");
  flags.add("cluster-dns", &options.cluster_dns, "addresses of the cluster's DNS service");
  flags.add("cluster-domain", &options.cluster_domain, "the cluster's domain");
  flags.add("cgroup-root", &options.cgroup_root, "the cgroup above those of pods");
  flags.add("resolv-conf", &options.resolv_conf, "what pods with dnsPolicy Default resolve by");
  flags.add("pod-manifest-path", &options.static_pod_path,
            "a folder of manifests of static pods, or one manifest");
  flags.add("register-node", &options.register_node, "register with the API server");
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kubelet", s);
  return run_process(verbosity, "kubelet",
                     [&](Process& p) { return run_kubelet(p, kubeconfig, options); });
}

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
