#include "kubelet/kubelet.h"

#include <algorithm>

#include "base/fs.h"
#include "kubelet/cri/grpc_runtime.h"
#include "kubelet/eviction/evictor.h"
#include "kubelet/node/node_agent.h"
#include "kubelet/pods.h"
#include "kubelet/server/node_server.h"
#include "net/server.h"

namespace kpp::kubelet {
namespace {

NodeFacts node_facts(const Machine& machine, const KubeletOptions& options) {
  NodeFacts out;
  out.memory_capacity = machine.memory_bytes;
  out.allocatable = node_resources(machine, options).allocatable;
  if (!options.node_ip.empty()) out.host_ips.push_back(options.node_ip);
  out.allowed_unsafe_sysctls = options.allowed_unsafe_sysctls;
  return out;
}

}  // namespace

struct Kubelet::State {
  State(KubeletDeps given, KubeletOptions chosen)
      : deps(given),
        options(std::move(chosen)),
        machine(read_machine(options.root_dir)),
        facts(node_facts(machine, options)),
        runtime(deps.executor, options.container_runtime_endpoint),
        events(deps.executor, deps.client, deps.log.named("events"), "kubelet", options.node_name),
        images(deps.executor, runtime),
        objects(deps.executor, deps.client, deps.log,
                [this](const std::string& uid) { pods.poke(uid); }),
        tokens(deps.executor, deps.client),
        cgroups(deps.executor, deps.pool, options),
        dialer(make_dialer(deps.executor)),
        allocations(deps.executor, deps.pool, deps.log, options.root_dir + "/allocated_pods_state"),
        services(deps.executor, deps.client, deps.log),
        pod_deps{deps.executor,
                 deps.pool,
                 runtime,
                 deps.client,
                 events,
                 deps.log,
                 options,
                 facts,
                 images,
                 objects,
                 tokens,
                 cgroups,
                 *dialer,
                 allocations,
                 [this] { return services.all(); },
                 [this](const std::string& uid) { return pods.taken(uid); },
                 [this] { return agent.node_labels(); },
                 [this] { return agent.node_uid(); }},
        pods(pod_deps),
        evictor(pod_deps, pods),
        node_events(events, options.node_name),
        agent(deps.executor, runtime, deps.client, deps.log, options, machine, node_events),
        access(deps.executor, deps.client, options),
        handler(deps.executor, deps.pool, runtime, pods, access, options.serves_debugging),
        scope(deps.executor) {}

  async::Task<void> begin();
  async::Task<void> set_up_groups();
  void told(std::string_view of, const Status& held);

  KubeletDeps deps;
  const KubeletOptions options;
  const Machine machine;
  const NodeFacts facts;
  GrpcRuntime runtime;
  client::EventRecorder events;
  Images images;
  ConfigObjects objects;
  Tokens tokens;
  PodCgroups cgroups;
  std::unique_ptr<Dialer> dialer;
  Allocations allocations;
  client::Informer<corev1::Service> services;
  PodDeps pod_deps;
  Pods pods;
  Evictor evictor;
  NodeEvents node_events;
  NodeAgent agent;
  NodeAccess access;
  NodeHandler handler;
  std::unique_ptr<net::Server> server;
  async::Scope scope;
};

// Holds pods, and who else has a group of its own, to what they may use.
async::Task<void> Kubelet::State::set_up_groups() {
  const auto& enforced = options.enforce_node_allocatable;
  const auto wanted = [&](std::string_view what) {
    return std::ranges::any_of(enforced, [&](const std::string& word) {
      return word == what || word == cat(what, "-compressible");
    });
  };
  const Status pods_held = co_await cgroups.set_up_node(node_resources(machine, options).enforced);
  if (!pods_held.ok() || (options.cgroups_per_qos && wanted("pods"))) told("pods", pods_held);
  if (wanted("system-reserved")) {
    const Status held =
        co_await cgroups.hold(options.system_reserved_cgroup, options.system_reserved);
    told(cat("system reserved cgroup ", options.system_reserved_cgroup), held);
  }
  if (wanted("kube-reserved")) {
    const Status held = co_await cgroups.hold(options.kube_reserved_cgroup, options.kube_reserved);
    told(cat("kube reserved cgroup ", options.kube_reserved_cgroup), held);
  }
}

void Kubelet::State::told(std::string_view of, const Status& held) {
  if (held.ok()) {
    node_events.allocatable_enforced(of);
    return;
  }
  node_events.enforcement_failed(
      cat("Failed to update Node Allocatable Limits on ", of, ": ", held.message()));
  deps.log.error("Failed to hold control groups to their limits",
                 {kv("of", of), kv("err", held.to_string())});
}

// The API's pods wait for the services, which their environment names.
async::Task<void> Kubelet::State::begin() {
  const async::StopToken stop = scope.stop_token();
  pods.start();
  evictor.start();
  const bool synced = co_await services.wait_synced(stop);
  if (synced) pods.follow_api();
}

Kubelet::Kubelet(KubeletDeps deps, KubeletOptions options)
    : state_(std::make_unique<State>(std::move(deps), std::move(options))) {}

Kubelet::~Kubelet() = default;

async::Task<Status> Kubelet::start() {
  State& s = *state_;
  if (s.options.node_name.empty()) co_return Status(Reason::kInvalid, "a node needs a name");
  for (const auto& dir :
       {s.options.root_dir + "/pods", s.options.pod_log_dir, s.options.container_log_dir}) {
    KPP_CO_RETURN_IF_ERROR(fs::make_directories(dir));
  }
  if (!s.options.serving_certificate.empty()) {
    KPP_CO_RETURN_IF_ERROR(serve_with({s.options.serving_certificate, s.options.serving_key}));
  }
  s.allocations.load();
  s.allocations.start();
  s.events.start();
  s.node_events.starting();
  co_await s.set_up_groups();
  s.services.start();
  s.agent.start();
  s.scope.spawn(s.begin());
  co_return Status();
}

Status Kubelet::serve_with(const net::x509::KeyPair& pair) {
  State& s = *state_;
  if (!s.options.serves) return {};
  net::TlsServerOptions tls;
  tls.certificate_pem = pair.certificate_pem;
  tls.key_pem = pair.key_pem;
  tls.client_ca_pem = s.options.access.client_ca;
  tls.http2 = false;  // streams are carried by upgraded connections
  KPP_ASSIGN(auto context, net::TlsContext::server(tls));
  if (s.server) {
    s.server->replace_tls(std::move(context));
    return {};
  }
  auto server =
      std::make_unique<net::Server>(s.deps.executor, s.handler, net::ServerOptions(), s.deps.log);
  KPP_ASSIGN(const auto port, server->listen_tcp(s.options.bind_address, s.options.port, context));
  s.server = std::move(server);
  s.deps.log.info("Starting to listen", {kv("address", s.options.bind_address), kv("port", port)});
  return {};
}

async::Task<void> Kubelet::stop() {
  State& s = *state_;
  s.scope.request_stop();
  co_await s.scope.join();
  if (s.server) co_await s.server->stop();
  co_await s.agent.stop();
  co_await s.evictor.stop();
  co_await s.pods.stop();
  co_await s.allocations.stop();
  co_await s.objects.stop();
  co_await s.services.stop();
  co_await s.events.stop();
  co_await s.runtime.close();
}

bool Kubelet::node_ready() const { return state_->agent.ready(); }

async::Task<bool> Kubelet::wait_ready(async::StopToken stop) {
  return state_->agent.wait_ready(std::move(stop));
}

}  // namespace kpp::kubelet
