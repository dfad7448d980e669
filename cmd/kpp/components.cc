// Scheduler, controllers, kubelet and proxy, each alone against an API server over the network.
#include <unistd.h>

#include "base/fs.h"
#include "client/kubeconfig.h"
#include "client/rest_config.h"
#include "commands.h"
#include "controllers/certificates/signers.h"
#include "controllers/registry.h"
#include "flags.h"
#include "health_server.h"
#include "kubelet/kubelet.h"
#include "leader.h"
#include "process.h"
#include "proxy/proxier.h"
#include "scheduler/scheduler.h"

namespace kpp::cmd {
namespace {

std::string host_name() {
  char buffer[256] = {};
  gethostname(buffer, sizeof buffer - 1);
  return buffer;
}

struct Connection {
  std::unique_ptr<net::Transport> transport;
  std::unique_ptr<client::Client> client;
  std::string bearer_token;
};

Result<Connection> connect(Process& process, const std::string& kubeconfig,
                           const std::string& agent) {
  if (kubeconfig.empty())
    return fail(Reason::kInvalid, "--kubeconfig is needed: it says where the API server is");
  KPP_ASSIGN(const client::Kubeconfig file, client::load_kubeconfig(kubeconfig));
  KPP_ASSIGN(const client::RestConfig config, client::rest_config(file));
  Connection out;
  KPP_ASSIGN(out.transport, client::make_transport(process.executor, config));
  out.bearer_token = config.user.token;
  out.client = std::make_unique<client::Client>(*out.transport, agent, out.bearer_token);
  return out;
}

async::Task<void> until_stopped(Process& process) {
  async::Waiter waiter(process.executor);
  co_await waiter.wait(process.stop);
}

async::Task<Status> run_scheduler(Process& process, std::string kubeconfig,
                                  scheduler::SchedulerOptions options, LeaderFlags election,
                                  HealthOptions health) {
  KPP_CO_ASSIGN(Connection api, connect(process, kubeconfig, "kube-scheduler"));
  HealthServer answers(process.executor, process.log);
  if (Status up = answers.start(health); !up.ok()) co_return up;
  Leadership leadership(process, *api.client, election);
  Status status;
  const bool leads = co_await leadership.lead();
  if (leads) {
    scheduler::Scheduler scheduler({process.executor, *api.client, process.log},
                                   std::move(options));
    scheduler.start();
    status = co_await leadership.until_over();
    co_await scheduler.stop();
  }
  co_await leadership.give_up();
  co_await answers.stop();
  co_return status;
}

async::Task<Status> run_controllers(Process& process, std::string kubeconfig,
                                    controllers::ControllerManager::Options options,
                                    LeaderFlags election, HealthOptions health) {
  KPP_CO_ASSIGN(Connection api, connect(process, kubeconfig, "kube-controller-manager"));
  options.bearer_token = api.bearer_token;
  HealthServer answers(process.executor, process.log);
  if (Status up = answers.start(health); !up.ok()) co_return up;
  Leadership leadership(process, *api.client, election);
  Status status;
  const bool leads = co_await leadership.lead();
  if (leads) {
    controllers::ControllerManager manager({process.executor, *api.transport, process.log},
                                           std::move(options));
    status = manager.start();
    if (status.ok()) {
      status = co_await leadership.until_over();
      co_await manager.stop();
    }
  }
  co_await leadership.give_up();
  co_await answers.stop();
  co_return status;
}

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
  proxy::SystemCommands commands(process.executor, process.pool);
  process.log.info("Using iptables Proxier");
  proxy::Proxier proxier({process.executor, *api.client, commands, process.log},
                         std::move(options));
  proxier.start();
  co_await until_stopped(process);
  co_await proxier.stop();
  co_return Status();
}

// Files that controllers take keys and certificates from.
struct ControllerFiles {
  struct Pair {
    std::string certificate, key;
  };
  std::string root_ca;
  Pair signing;
  std::map<std::string, Pair> by_signer;

  void add_to(Flags& flags) {
    flags.add("root-ca-file", &root_ca,
              "the certificate authority that every namespace is told of");
    add_pair(flags, "cluster-signing", signing);
    add_pair(flags, "cluster-signing-kubelet-serving",
             by_signer[controllers::kKubeletServingSigner]);
    add_pair(flags, "cluster-signing-kubelet-client", by_signer[controllers::kKubeletClientSigner]);
    add_pair(flags, "cluster-signing-kube-apiserver-client", by_signer[controllers::kClientSigner]);
    add_pair(flags, "cluster-signing-legacy-unknown", by_signer[controllers::kLegacySigner]);
  }

  Status read(controllers::ClusterFacts& facts) const {
    if (!root_ca.empty()) {
      KPP_ASSIGN(facts.root_ca_pem, fs::read_file(root_ca, 1u << 20));
    }
    if (!signing.certificate.empty()) {
      KPP_ASSIGN(facts.signing.ca, read_pair(signing));
    }
    for (const auto& [signer, pair] : by_signer) {
      if (pair.certificate.empty()) continue;
      KPP_ASSIGN(facts.signing.by_signer[signer], read_pair(pair));
    }
    return Status();
  }

 private:
  static void add_pair(Flags& flags, const std::string& prefix, Pair& pair) {
    flags.add(cat(prefix, "-cert-file"), &pair.certificate,
              "certificate of the authority that signs requests");
    flags.add(cat(prefix, "-key-file"), &pair.key, "its private key");
  }
  static Result<net::x509::KeyPair> read_pair(const Pair& pair) {
    net::x509::KeyPair out;
    KPP_ASSIGN(out.certificate_pem, fs::read_file(pair.certificate, 1u << 20));
    KPP_ASSIGN(out.key_pem, fs::read_file(pair.key, 1u << 20));
    return out;
  }
};

}  // namespace

int kube_scheduler_main(int argc, char** argv) {
  std::string kubeconfig;
  int verbosity = 0;
  scheduler::SchedulerOptions options;
  options.identity = host_name();
  Flags flags("kube-scheduler", "Gives pods their nodes.");
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server");
  HealthOptions health;
  health.add_to(flags, 10259);
  LeaderFlags election("kube-scheduler");
  election.add_to(flags);
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kube-scheduler", s);
  if (Status s = election.validate(); !s.ok()) return report("kube-scheduler", s);
  return run_process(verbosity, "kube-scheduler", [&](Process& p) {
    return run_scheduler(p, kubeconfig, options, election, health);
  });
}

int kube_controller_manager_main(int argc, char** argv) {
  std::string kubeconfig;
  int verbosity = 0;
  controllers::ControllerManager::Options options;
  Flags flags("kube-controller-manager", "Runs the controllers.");
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server");
  flags.add("controllers", &options.controllers,
            "names of controllers; * for those on by default, -name leaves one out");
  HealthOptions health;
  health.add_to(flags, 10257);
  LeaderFlags election("kube-controller-manager");
  election.add_to(flags);
  ControllerFiles files;
  files.add_to(flags);
  flags.add("cluster-signing-duration", &options.facts.signing.duration,
            "how long signed certificates live at most");
  flags.add("cluster-cidr", &options.facts.node_ipam.cluster_cidrs,
            "the ranges of pod addresses, one of each family");
  flags.add("node-cidr-mask-size", &options.facts.node_ipam.mask_ipv4,
            "prefix length of a node's IPv4 range");
  flags.add("node-cidr-mask-size-ipv4", &options.facts.node_ipam.mask_ipv4,
            "prefix length of a node's IPv4 range");
  flags.add("node-cidr-mask-size-ipv6", &options.facts.node_ipam.mask_ipv6,
            "prefix length of a node's IPv6 range");
  bool allocate_node_cidrs = false;
  flags.add("allocate-node-cidrs", &allocate_node_cidrs,
            "give nodes their ranges of pod addresses");
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kube-controller-manager", s);
  if (Status s = election.validate(); !s.ok()) return report("kube-controller-manager", s);
  if (!allocate_node_cidrs) options.facts.node_ipam.cluster_cidrs.clear();
  if (Status s = files.read(options.facts); !s.ok()) return report("kube-controller-manager", s);
  return run_process(verbosity, "kube-controller-manager", [&](Process& p) {
    return run_controllers(p, kubeconfig, options, election, health);
  });
}

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
      proxy::SystemCommands commands(process.executor, process.pool);
      Status done = co_await proxy::cleanup(commands);
      co_return done;
    }(p);
  });
}

}  // namespace kpp::cmd
