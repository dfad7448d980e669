#include "dockershim/shim.h"

#include "async/scope.h"
#include "base/fs.h"
#include "dockershim/service.h"

namespace kpp::dockershim {
namespace {

// How often it is looked for what is left to clean up and to follow.
constexpr Duration kLook = std::chrono::seconds(5);

}  // namespace

struct Shim::State {
  State(async::IoExecutor& executor, async::ThreadPool& pool, Logger log, ShimOptions chosen)
      : options(std::move(chosen)),
        engine(executor, options.docker_socket),
        deps{executor, pool, engine, std::move(log), options},
        network(executor, pool, options.network),
        puller(deps),
        logs(deps),
        sandboxes(deps, network, puller),
        containers(deps, logs),
        images(deps, puller),
        execs(deps, containers),
        stats(deps, containers, sandboxes),
        streams(deps, containers, execs),
        parts{deps, network, sandboxes, containers, images, execs, stats, streams},
        service(executor),
        server(executor, service, service.server_options(), deps.log),
        scope(executor) {}

  async::Task<Status> take_over() {
    const std::uint64_t lost = engine.times_lost();
    KPP_CO_RETURN_IF_ERROR(co_await sandboxes.clean_up(scope.stop_token()));
    Status followed = co_await containers.follow_logs(scope.stop_token());
    if (followed.ok()) taken_over_after = lost;
    co_return followed;
  }

  // An engine that comes, or comes back, has what we do not know of.
  async::Task<void> look_after() {
    bool told = false;
    for (;;) {
      const bool slept = co_await async::sleep_for(deps.executor, kLook, scope.stop_token());
      if (!slept) co_return;
      if (taken_over_after == engine.times_lost() && !sandboxes.has_leftovers()) continue;
      const Status status = co_await take_over();
      if (!status.ok() && !told)
        deps.log.warning("Docker cannot be asked for its containers",
                         {kv("err", status.message())});
      told = !status.ok();
    }
  }

  const ShimOptions options;
  Engine engine;
  const ShimDeps deps;
  cni::Network network;
  ImagePuller puller;
  Logs logs;
  Sandboxes sandboxes;
  Containers containers;
  Images images;
  Execs execs;
  Stats stats;
  StreamingServer streams;
  const ShimParts parts;
  net::GrpcService service;
  net::Server server;
  async::Scope scope;
  std::uint64_t taken_over_after = ~std::uint64_t{0};  // Engine::times_lost() then
};

Shim::Shim(async::IoExecutor& executor, async::ThreadPool& pool, Logger log, ShimOptions options)
    : state_(std::make_unique<State>(executor, pool, std::move(log), std::move(options))) {}

Shim::~Shim() = default;

async::Task<Status> Shim::start() {
  State& state = *state_;
  const auto version = co_await state.engine.version({});
  if (!version) {
    // An engine that is too old stays so; one that does not run may come.
    if (version.error().is(Reason::kMethodNotAllowed)) co_return version.error();
    state.deps.log.warning("Docker is not there yet", {kv("err", version.error().message())});
  } else {
    state.deps.log.info("Docker answers", {kv("version", version->version),
                                           kv("apiVersion", cat("1.", version->spoken))});
  }
  if (const Status taken = co_await state.take_over(); !taken.ok() && version)
    state.deps.log.warning("Docker cannot be asked for its containers",
                           {kv("err", taken.message())});
  add_runtime_service(state.service, state.parts);
  add_image_service(state.service, state.parts);
  KPP_CO_RETURN_IF_ERROR(state.streams.listen());
  const std::string& socket = state.options.listen;
  KPP_CO_RETURN_IF_ERROR(fs::make_directories(socket.substr(0, socket.rfind('/'))));
  KPP_CO_RETURN_IF_ERROR(state.server.listen_unix(socket));
  state.deps.log.info("Serving CRI v1", {kv("socket", socket)});
  state.scope.spawn(state.look_after());
  co_return Status();
}

async::Task<void> Shim::stop() {
  State& state = *state_;
  state.scope.request_stop();
  co_await state.server.stop();
  co_await state.streams.stop();
  co_await state.scope.join();
  co_await state.logs.stop();
}

}  // namespace kpp::dockershim
