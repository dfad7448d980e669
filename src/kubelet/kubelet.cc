#include "kubelet/kubelet.h"

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
        agent(deps.executor, runtime, deps.client, deps.log, options, machine),
        access(deps.executor, deps.client, options),
        handler(deps.executor, deps.pool, runtime, pods, access),
        scope(deps.executor) {}

  async::Task<void> begin();

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
  NodeAgent agent;
  NodeAccess access;
  NodeHandler handler;
  std::unique_ptr<net::Server> server;
  async::Scope scope;
};

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
  const Status groups = co_await s.cgroups.set_up_node();
  if (!groups.ok())
    s.deps.log.error("Failed to make the control groups of pods", {kv("err", groups.to_string())});
  s.allocations.load();
  s.allocations.start();
  s.events.start();
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
