// The proxy, alone against an API server over the network.
#include "commands.h"
#include "connection.h"
#include "flags.h"
#include "net/server.h"
#include "process.h"
#include "proxy/config/configuration.h"
#include "proxy/proxier.h"

namespace kpp::cmd {
namespace {

// A port that answers with a handler, over plain HTTP. An empty address is no port.
class Port {
 public:
  Port(Process& process, net::Handler& handler, std::string name)
      : name_(std::move(name)),
        log_(process.log.named(name_)),
        server_(process.executor, handler, net::ServerOptions{}, log_) {}

  // Traffic does not depend on it: a port that is taken is said and lived without.
  void listen(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) return;
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const int port = std::atoi(address.c_str() + colon + 1);
    const auto opened = server_.listen_tcp(host == "0.0.0.0" ? "" : host,
                                           static_cast<std::uint16_t>(port), nullptr);
    if (!opened) log_.error("Cannot listen", {kv("address", address), kv("err", opened.error())});
  }
  async::Task<void> stop() { return server_.stop(); }

 private:
  const std::string name_;
  const Logger log_;
  net::Server server_;
};

async::Task<Status> run_proxy(Process& process, std::string kubeconfig,
                              proxy::ProxyOptions options) {
  KPP_CO_ASSIGN(Connection api, connect_from_pod(process, kubeconfig, "kube-proxy"));
  sys::SystemCommands commands(process.executor, process.pool);
  proxy::ServiceHealthPorts service_health(process.executor, process.log);
  proxy::Proxier proxier({process.executor, *api.client, commands, process.log, &service_health},
                         options);
  Port health(process, proxier.health(), "healthz");
  Port metrics(process, proxier.metrics(), "metrics");
  health.listen(options.healthz_bind_address);
  metrics.listen(options.metrics_bind_address);
  proxier.start();
  co_await until_stopped(process);
  co_await proxier.stop();
  co_await service_health.stop();
  co_await health.stop();
  co_await metrics.stop();
  co_return Status();
}

async::Task<Status> run_cleanup(Process& process) {
  sys::SystemCommands commands(process.executor, process.pool);
  Status done = co_await proxy::cleanup(commands);
  co_return done;
}

// What the flags say; a file stands in place of all of them but the node's name.
struct ProxyFlags {
  std::string kubeconfig, config, hostname_override;
  int verbosity = 0;
  bool cleanup = false;
  proxy::ProxyOptions options;
  std::string warning;

  void add_to(Flags& flags) {
    flags.add("config", &config,
              "a KubeProxyConfiguration, in place of all flags but this node's name");
    flags.add("kubeconfig", &kubeconfig, "how to reach the API server; empty: as a pod finds it");
    flags.add("hostname-override", &hostname_override, "the node's name");
    flags.add("bind-address", &options.bind_address, "the node's own address, if it is one");
    flags.add("proxy-mode", &options.mode, "iptables");
    flags.add("cluster-cidr", &options.cluster_cidr, "the range of pod addresses");
    flags.add("detect-local-mode", &options.detect_local_mode,
              "how traffic of this node's pods is told: ClusterCIDR, NodeCIDR, BridgeInterface, "
              "InterfaceNamePrefix");
    flags.add("pod-bridge-interface", &options.bridge_interface, "the bridge that pods hang on");
    flags.add("pod-interface-name-prefix", &options.interface_name_prefix,
              "what the names of links of pods begin with");
    flags.add("masquerade-all", &options.masquerade_all, "masquerade all traffic to cluster IPs");
    flags.add("iptables-masquerade-bit", &options.masquerade_bit,
              "the bit of the mark of packets to be masqueraded");
    flags.add("iptables-localhost-nodeports", &options.localhost_node_ports,
              "node ports answer on loopback addresses");
    flags.add("iptables-min-sync-period", &options.min_sync_period,
              "the shortest time between two writings");
    flags.add("iptables-sync-period", &options.sync_period,
              "the longest time between two writings");
    flags.add("nodeport-addresses", &options.node_port_addresses,
              "ranges of addresses that serve node ports");
    flags.add("healthz-bind-address", &options.healthz_bind_address, "where health is told");
    flags.add("metrics-bind-address", &options.metrics_bind_address, "where metrics are told");
    flags.add("conntrack-max-per-core", &options.conntrack.max_per_core,
              "connections tracked a core; 0 leaves the kernel alone");
    flags.add("conntrack-min", &options.conntrack.min, "connections tracked at least");
    flags.add("conntrack-tcp-be-liberal", &options.conntrack.tcp_be_liberal,
              "packets outside the window pass");
    flags.add("conntrack-tcp-timeout-established", &options.conntrack.tcp_established_timeout,
              "how long an idle connection is tracked");
    flags.add("conntrack-tcp-timeout-close-wait", &options.conntrack.tcp_close_wait_timeout,
              "how long one that is closing is tracked");
    flags.add("conntrack-udp-timeout", &options.conntrack.udp_timeout,
              "how long a flow without an answer is tracked");
    flags.add("conntrack-udp-timeout-stream", &options.conntrack.udp_stream_timeout,
              "how long a flow with answers is tracked");
    flags.add("cleanup", &cleanup, "remove all rules of kube-proxy and end");
    flags.add_verbosity(&verbosity);
  }

  Status complete() {
    if (!config.empty()) {
      KPP_ASSIGN(proxy::FileSettings file, proxy::load_settings(config));
      options = std::move(file.options);
      kubeconfig = std::move(file.kubeconfig);
      warning = std::move(file.warning);
      verbosity = std::max(verbosity, file.verbosity);
    }
    if (!hostname_override.empty()) options.hostname_override = hostname_override;
    return options.validate();
  }
};

}  // namespace

int kube_proxy_main(int argc, char** argv) {
  ProxyFlags given;
  Flags flags("kube-proxy", "Keeps this node's netfilter rules equal to the cluster's services.");
  given.add_to(flags);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kube-proxy", s);
  if (Status s = given.complete(); !s.ok()) return report("kube-proxy", s);
  return run_process(given.verbosity, "kube-proxy", [&](Process& p) -> async::Task<Status> {
    if (given.cleanup) return run_cleanup(p);
    if (!given.warning.empty()) {
      p.log.info("Using lenient decoding as strict decoding failed",
                 {kv("path", given.config), kv("err", given.warning)});
    }
    return run_proxy(p, given.kubeconfig, given.options);
  });
}

}  // namespace kpp::cmd
