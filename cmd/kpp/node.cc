#include "node.h"

#include <unistd.h>

#include <map>

#include "base/fs.h"
#include "cluster_dns.h"
#include "commands.h"
#include "flags.h"
#include "lab/containerd.h"
#include "security_flags.h"

namespace kpp::cmd {

namespace {

std::vector<std::string> account_groups(std::string_view ns) {
  return {"system:serviceaccounts", cat("system:serviceaccounts:", ns)};
}

// Service accounts of kube-system whose controllers run beside the server: they need no tokens.
class InProcessAccounts final : public controllers::AccountTransports {
 public:
  explicit InProcessAccounts(net::Handler& server) : server_(server) {}
  net::Transport& of(std::string_view account) override {
    auto& slot = made_[std::string(account)];
    if (!slot) {
      slot = std::make_unique<client::InProcessTransport>(
          server_, cat("system:serviceaccount:kube-system:", account),
          account_groups("kube-system"));
    }
    return *slot;
  }

 private:
  net::Handler& server_;
  std::map<std::string, std::unique_ptr<net::Transport>, std::less<>> made_;
};

}  // namespace

ClusterProcess::ClusterProcess(Process& process, ClusterOptions options)
    : process_(process),
      options_(std::move(options)),
      plane_(process.executor, process.pool, process.log, options_.control_plane) {}
ClusterProcess::~ClusterProcess() = default;

async::Task<Status> ClusterProcess::start() {
  KPP_CO_RETURN_IF_ERROR(co_await plane_.start(process_.stop));
  KPP_CO_ASSIGN(const std::string kubeconfig, plane_.write_kubeconfig());
  net::Handler& server = plane_.server();
  const Logger& log = process_.log;
  auto& executor = process_.executor;
  if (options_.with_node) {
    kubelet_seat_ = std::make_unique<Seat>(server, cat("system:node:", options_.kubelet.node_name),
                                           "kubelet", std::vector<std::string>{"system:nodes"});
    options_.kubelet.serving_certificate = plane_.certificates().kubelet_server.certificate_pem;
    options_.kubelet.serving_key = plane_.certificates().kubelet_server.key_pem;
    options_.kubelet.access.client_ca = plane_.certificates().ca_certificate_pem;
    kubelet_ = std::make_unique<kubelet::Kubelet>(
        kubelet::KubeletDeps{executor, process_.pool, kubelet_seat_->client, log.named("kubelet")},
        options_.kubelet);
    KPP_CO_RETURN_IF_ERROR(co_await kubelet_->start());
  }
  controllers_seat_ =
      std::make_unique<Seat>(server, "system:kube-controller-manager", "kube-controller-manager");
  accounts_ = std::make_unique<InProcessAccounts>(server);
  controllers::ControllerManager::Options controllers;
  controllers.facts.root_ca_pem = plane_.certificates().ca_certificate_pem;
  controllers.facts.signing.ca = {plane_.certificates().ca_certificate_pem,
                                  plane_.certificates().ca_key_pem};
  controllers_ = std::make_unique<controllers::ControllerManager>(
      controllers::ControllerManager::Deps{executor, controllers_seat_->transport,
                                           log.named("controllers"), accounts_.get()},
      std::move(controllers));
  KPP_CO_RETURN_IF_ERROR(controllers_->start());

  scheduler_seat_ = std::make_unique<Seat>(server, "system:kube-scheduler", "kube-scheduler");
  scheduler_ = std::make_unique<scheduler::Scheduler>(
      scheduler::SchedulerDeps{executor, scheduler_seat_->client, log.named("scheduler")},
      scheduler::SchedulerOptions{});
  scheduler_->start();
  if (!options_.with_node) co_return Status();

  proxy_seat_ = std::make_unique<Seat>(server, "system:kube-proxy", "kube-proxy");
  commands_ = std::make_unique<sys::SystemCommands>(executor, process_.pool);
  proxier_ = std::make_unique<proxy::Proxier>(
      proxy::ProxierDeps{executor, proxy_seat_->client, *commands_, log.named("proxy")},
      options_.proxy);
  proxier_->start();
  KPP_CO_RETURN_IF_ERROR(co_await start_dns());
  const bool ready = co_await kubelet_->wait_ready(process_.stop);
  if (!ready) co_return Status(Reason::kCanceled, "stopped before the node was ready");
  co_return Status();
}

async::Task<Status> ClusterProcess::start_dns() {
  // What people install with the administrator's rights; the server itself has its account's.
  Seat installer(plane_.server(), "kubernetes-admin", "kpp", {"system:masters"});
  KPP_CO_RETURN_IF_ERROR(co_await ensure_dns_objects(installer.client,
                                                     options_.kubelet.cluster_dns.at(0),
                                                     options_.kubelet.node_ip, process_.stop));
  dns_seat_ = std::make_unique<Seat>(plane_.server(), "system:serviceaccount:kube-system:coredns",
                                     "kpp-dns", account_groups("kube-system"));
  KPP_CO_ASSIGN(auto options,
                node_dns_options(options_.kubelet.node_ip, options_.kubelet.resolv_conf));
  dns_ = std::make_unique<dns::DnsServer>(
      dns::DnsDeps{process_.executor, dns_seat_->client, process_.log.named("dns")},
      std::move(options));
  const Status started = dns_->start();
  co_return started;
}

async::Task<void> ClusterProcess::stop() {
  if (dns_) co_await dns_->stop();
  if (proxier_) co_await proxier_->stop();
  if (scheduler_) co_await scheduler_->stop();
  if (controllers_) co_await controllers_->stop();
  if (kubelet_) co_await kubelet_->stop();
  co_await plane_.stop();
}

namespace {

async::Task<Status> run_cluster(Process& process, ClusterOptions options, std::string ready_file) {
  ClusterProcess cluster(process, std::move(options));
  Status started = co_await cluster.start();
  if (started.ok() && !ready_file.empty())
    started = fs::write_file_atomic(ready_file, cat(getpid(), "\n"));
  if (started.ok()) {
    process.log.info("Cluster is ready");
    async::Waiter waiter(process.executor);
    co_await waiter.wait(process.stop);
  }
  co_await cluster.stop();
  co_return started;
}

}  // namespace

int server_main(int argc, char** argv) {
  ClusterOptions options;
  options.control_plane.data_dir = "/var/lib/kpp/server";
  int verbosity = 0;
  Flags flags("kpp server",
              "Runs API server, store, scheduler and controllers in one process, without a node.");
  flags.add("data-dir", &options.control_plane.data_dir,
            "where the store, the certificates and admin.conf are kept");
  flags.add("bind-address", &options.control_plane.bind_address, "the address to serve on");
  flags.add("secure-port", &options.control_plane.secure_port, "the port to serve HTTPS on");
  flags.add("service-cluster-ip-range", &options.control_plane.service_cidr,
            "the range of cluster IPs");
  flags.add("token-auth-file", &options.control_plane.token_auth_file,
            "a CSV file of bearer tokens");
  SecurityFlags security;
  security.add_audit_to(flags);
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kpp server", s);
  if (Status s = security.apply_audit(options.control_plane); !s.ok())
    return report("kpp server", s);
  if (options.control_plane.bind_address != "0.0.0.0")
    options.control_plane.advertise_address = options.control_plane.bind_address;
  return run_process(verbosity, "server", [&](Process& p) { return run_cluster(p, options, ""); });
}

int node_main(int argc, char** argv) {
  ClusterOptions options;
  options.with_node = true;
  lab::ContainerdOptions containerd;
  std::string ready_file;
  std::string pod_cidr = "10.244.0.0/24";
  std::string node_ip;
  int verbosity = 0;
  Flags flags("kpp node", "The process inside a lab node; started by kpp up.");
  flags.add("data-dir", &options.control_plane.data_dir, "where everything is kept");
  flags.add("node-name", &options.kubelet.node_name, "the node's name");
  flags.add("node-ip", &node_ip, "the node's address");
  flags.add("pod-cidr", &pod_cidr, "the range of pod addresses");
  flags.add("container-runtime-endpoint", &options.kubelet.container_runtime_endpoint,
            "the socket of the container runtime");
  flags.add("ready-file", &ready_file, "written when the node is Ready");
  SecurityFlags security;
  security.enable_plugins = {"NodeRestriction"};
  security.add_audit_to(flags);
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kpp node", s);
  if (Status s = security.apply(options.control_plane); !s.ok()) return report("kpp node", s);
  const std::string data = options.control_plane.data_dir;
  containerd.data_directory = cat(data, "/containerd");
  containerd.pod_cidr = pod_cidr;
  options.control_plane.bind_address = "0.0.0.0";
  options.control_plane.advertise_address = node_ip;
  options.control_plane.node_name = options.kubelet.node_name;
  options.kubelet.node_ip = node_ip;
  options.kubelet.root_dir = cat(data, "/kubelet");
  options.kubelet.static_pod_path = cat(data, "/manifests");
  options.kubelet.pod_log_dir = cat(data, "/pod-logs");
  options.kubelet.container_log_dir = "/var/log/containers";
  options.kubelet.cluster_dns = {dns_service_address(options.control_plane.service_cidr)};
  options.proxy.hostname_override = options.kubelet.node_name;
  options.proxy.cluster_cidr = pod_cidr;
  return run_process(verbosity, "kpp",
                     [&](Process& p) { return run_cluster(p, options, ready_file); });
}

}  // namespace kpp::cmd
