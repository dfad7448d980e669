#include "dockershim/sandboxes.h"

#include <algorithm>

#include "base/fs.h"
#include "dockershim/orphans.h"

namespace kpp::dockershim {
namespace {

constexpr int kGraceSeconds = 10;

std::string path_of(const std::string& id) { return cat("/containers/", id); }

// The name is taken: Docker names the container that has it.
bool is_conflict(const Status& status) {
  return status.is(Reason::kConflict) && status.message().contains("is already in use");
}

cri::PodSandboxMetadata metadata_of(const std::string& docker_name, const Labels& labels) {
  cri::PodSandboxMetadata out;
  if (const auto name = parse_name(docker_name)) {
    out.name = name->pod;
    out.namespace_ = name->pod_namespace;
    out.uid = name->uid;
    out.attempt = name->attempt;
    return out;
  }
  const auto label = [&](const char* key) {
    const auto found = labels.find(key);
    return found == labels.end() ? std::string() : found->second;
  };
  out.name = label("io.kubernetes.pod.name");
  out.namespace_ = label("io.kubernetes.pod.namespace");
  out.uid = label("io.kubernetes.pod.uid");
  return out;
}

std::int32_t mode_of(std::string_view docker) { return docker == "host" ? cri::NODE : cri::POD; }

Checkpoint checkpoint_for(const cri::PodSandboxConfig& config) {
  Checkpoint out;
  if (config.metadata) {
    out.name = config.metadata->name;
    out.pod_namespace = config.metadata->namespace_;
    out.uid = config.metadata->uid;
  }
  out.port_mappings = config.port_mappings;
  out.host_network = config.linux && config.linux->security_context &&
                     config.linux->security_context->namespace_options &&
                     config.linux->security_context->namespace_options->network == cri::NODE;
  return out;
}

cri::PodSandbox listed(const ListedContainer& container) {
  cri::PodSandbox out;
  out.id = container.id;
  out.metadata = metadata_of(container.name, container.labels);
  out.state = container.is_running() ? cri::SANDBOX_READY : cri::SANDBOX_NOTREADY;
  out.created_at = container.created * 1'000'000'000;
  auto labels = from_docker_labels(container.labels);
  out.labels = std::move(labels.labels);
  out.annotations = std::move(labels.annotations);
  return out;
}

// A sandbox that only its checkpoint knows of.
cri::PodSandbox remembered(const std::string& id, const Checkpoint& checkpoint) {
  cri::PodSandbox out;
  out.id = id;
  auto& metadata = out.metadata.emplace();
  metadata.name = checkpoint.name;
  metadata.namespace_ = checkpoint.pod_namespace;
  metadata.uid = checkpoint.uid;
  out.state = cri::SANDBOX_NOTREADY;
  out.labels = {{"io.kubernetes.pod.name", checkpoint.name},
                {"io.kubernetes.pod.namespace", checkpoint.pod_namespace},
                {"io.kubernetes.pod.uid", checkpoint.uid}};
  return out;
}

bool wanted(const cri::PodSandboxFilter& filter, const cri::PodSandbox& sandbox) {
  if (!filter.id.empty() && !sandbox.id.starts_with(filter.id)) return false;
  if (filter.state && filter.state->state != sandbox.state) return false;
  return selects(filter.label_selector, sandbox.labels);
}

}  // namespace

Sandboxes::Sandboxes(const ShimDeps& deps, cni::Network& network, ImagePuller& puller)
    : deps_(deps),
      network_(network),
      puller_(puller),
      checkpoints_(cat(deps.options.state_directory, "/sandboxes")),
      lowest_oom_score_adj_(lowest_oom_score_adj()) {}

async::Task<GrpcResult<std::string>> Sandboxes::run(cri::RunPodSandboxRequest request,
                                                    async::StopToken stop) {
  if (!request.config || !request.config->metadata) {
    co_return std::unexpected(
        GrpcStatus{net::kGrpcInvalidArgument, "the sandbox's config has no metadata"});
  }
  KPP_GRPC_ASSIGN(const EngineInfo info, co_await deps_.engine.info(stop));
  if (!request.runtime_handler.empty() &&
      std::ranges::find(info.runtimes, request.runtime_handler) == info.runtimes.end()) {
    co_return std::unexpected(GrpcStatus{
        net::kGrpcUnimplemented, cat("docker has no runtime ", quoted(request.runtime_handler),
                                     "; it has ", join(info.runtimes, ", "))});
  }
  const std::string name = sandbox_name(*request.config->metadata);
  if (!in_hand_.insert(name).second) {
    co_return std::unexpected(
        GrpcStatus{net::kGrpcUnknown, cat("sandbox ", quoted(name), " is being made")});
  }
  auto out = co_await create(
      {*request.config, deps_.options.pod_infra_image, request.runtime_handler}, name, stop);
  if (out) {
    Made made{*out, checkpoint_for(*request.config)};
    const Status started = co_await start(made, std::move(*request.config), stop);
    if (!started.ok()) {
      // The caller's time may be over; what was made must go all the same.
      const Status removed = co_await take_down(made.id);
      if (!removed.ok()) {
        has_leftovers_ = true;
        deps_.log.warning("A sandbox that failed to start stays until it can be removed",
                          {kv("podSandboxID", made.id), kv("err", removed.message())});
      }
      out = failed(started);
    }
  }
  in_hand_.erase(name);
  co_return out;
}

// The container and its checkpoint.
async::Task<GrpcResult<std::string>> Sandboxes::create(SandboxRequest request, std::string name,
                                                       async::StopToken stop) {
  KPP_GRPC_ASSIGN(const EngineInfo info, co_await deps_.engine.info(stop));
  auto spec = sandbox_spec(request, {info.cgroup_driver == "systemd", lowest_oom_score_adj_});
  if (!spec) co_return std::unexpected(std::move(spec).error());
  const std::string query = cat("name=", net::percent_encode(name));
  Result<json::Value> created;
  for (int tries = 0;; ++tries) {
    created = co_await deps_.engine.post("/containers/create", query, *spec, stop);
    if (created || tries == 2) break;
    if (created.error().is(Reason::kNotFound)) {
      const Status pulled = co_await puller_.pull(request.image, {}, stop);
      if (!pulled.ok()) {
        co_return std::unexpected(GrpcStatus{
            net::kGrpcUnknown,
            cat("unable to pull sandbox image ", quoted(request.image), ": ", pulled.message())});
      }
    } else if (is_conflict(created.error())) {
      // What an earlier attempt left, whose answer the kubelet did not get.
      const Status removed = co_await take_down(name);
      if (!removed.ok()) break;
    } else {
      break;
    }
  }
  if (!created) {
    co_return std::unexpected(
        GrpcStatus{net::kGrpcUnknown,
                   cat("failed to create a sandbox for pod ", quoted(request.config.metadata->name),
                       ": ", created.error().message())});
  }
  std::string id(json::text_at(*created, "Id"));
  const Status saved = co_await save({id, checkpoint_for(request.config)});
  if (!saved.ok()) {
    (void)co_await take_down(id);
    co_return failed(saved);
  }
  co_return id;
}

async::Task<Status> Sandboxes::save(Made made) {
  const Checkpoints* const checkpoints = &checkpoints_;
  auto saved =
      co_await async::offload(deps_.executor, deps_.pool, [checkpoints, made = std::move(made)] {
        return checkpoints->save(made.id, made.checkpoint);
      });
  co_return saved;
}

async::Task<Status> Sandboxes::forget(std::string id) {
  const Checkpoints* const checkpoints = &checkpoints_;
  auto removed = co_await async::offload(deps_.executor, deps_.pool,
                                         [checkpoints, id] { return checkpoints->remove(id); });
  co_return removed;
}

async::Task<Status> Sandboxes::start(Made made, cri::PodSandboxConfig config,
                                     async::StopToken stop) {
  auto started = co_await deps_.engine.post(cat(path_of(made.id), "/start"), "", {}, stop);
  if (!started) {
    co_return std::move(started).error().with_context(
        cat("failed to start sandbox container for pod ", quoted(made.checkpoint.name)));
  }
  KPP_CO_ASSIGN(const json::Value answer,
                co_await deps_.engine.get(cat(path_of(made.id), "/json"), "", stop));
  const InspectedContainer sandbox = parse_container(answer);
  if (config.dns_config && !sandbox.resolv_conf_path.empty()) {
    // All containers of the pod share this file.
    Status written = co_await async::offload(
        deps_.executor, deps_.pool,
        [path = sandbox.resolv_conf_path, text = resolv_conf(*config.dns_config)] {
          return fs::write_file_atomic(path, text);
        });
    if (!written.ok()) {
      co_return std::move(written).with_context(
          cat("rewrite resolv.conf failed for pod ", quoted(made.checkpoint.name)));
    }
  }
  if (!made.checkpoint.host_network) {
    cni::Attachment pod = attachment_of(made.id, made.checkpoint, sandbox.pid);
    auto added = co_await network_.add(std::move(pod));
    if (!added) {
      co_return std::move(added).error().with_context(
          cat("failed to set up sandbox container ", quoted(made.id), " network for pod ",
              quoted(made.checkpoint.name), ": networkPlugin cni failed to set up pod ",
              quoted(cat(made.checkpoint.name, "_", made.checkpoint.pod_namespace)), " network"));
    }
    addresses_[made.id] = std::move(*added);
  }
  made.checkpoint.complete = true;
  Status saved = co_await save(std::move(made));
  co_return saved;
}

// What is known of a sandbox: from its checkpoint, or, that lost, from Docker.
async::Task<Result<Checkpoint>> Sandboxes::checkpoint_of(std::string id,
                                                         const InspectedContainer* sandbox) {
  const Checkpoints* const checkpoints = &checkpoints_;
  auto known = co_await async::offload(deps_.executor, deps_.pool,
                                       [checkpoints, id] { return checkpoints->load(id); });
  if (known || sandbox == nullptr) co_return known;
  const cri::PodSandboxMetadata metadata = metadata_of(sandbox->name, sandbox->labels);
  Checkpoint out;
  out.name = metadata.name;
  out.pod_namespace = metadata.namespace_;
  out.uid = metadata.uid;
  out.host_network = sandbox->network_mode == "host";
  out.complete = true;
  if (const auto ports = sandbox->labels.find(std::string(label::kPorts));
      ports != sandbox->labels.end()) {
    out.port_mappings = parse_port_mappings(ports->second);
  }
  co_return out;
}

async::Task<Status> Sandboxes::remove_network(std::string id, Checkpoint checkpoint,
                                              std::int64_t pid) {
  if (checkpoint.host_network) co_return Status();
  cni::Attachment pod = attachment_of(id, checkpoint, pid);
  Status removed = co_await network_.remove(std::move(pod));
  if (removed.ok()) co_return Status();
  co_return std::move(removed).with_context(
      cat("networkPlugin cni failed to teardown pod ",
          quoted(cat(checkpoint.name, "_", checkpoint.pod_namespace)), " network"));
}

// Network, container and checkpoint, whatever of them there is. Takes a name too.
async::Task<Status> Sandboxes::take_down(std::string id) {
  auto answer = co_await deps_.engine.get(cat(path_of(id), "/json"), "", {});
  if (!answer && !answer.error().is(Reason::kNotFound)) co_return std::move(answer).error();
  InspectedContainer sandbox;
  if (answer) {
    sandbox = parse_container(*answer);
    id = sandbox.id;
    // A name may be that of a container which a person made.
    if (!sandbox.labels.contains(std::string(label::kType)))
      co_return Status(Reason::kConflict, cat("container ", quoted(sandbox.name), " is not ours"));
  }
  auto checkpoint = co_await checkpoint_of(id, answer ? &sandbox : nullptr);
  if (checkpoint) {
    Status unwired = co_await remove_network(id, std::move(*checkpoint), sandbox.pid);
    if (!unwired.ok()) co_return unwired;
  }
  if (answer) {
    Status removed = co_await remove_from_engine(deps_, id, sandbox.started != 0, {});
    if (!removed.ok() && !removed.is(Reason::kNotFound)) co_return removed;
  }
  addresses_.erase(id);
  Status forgotten = co_await forget(id);
  co_return forgotten;
}

async::Task<GrpcStatus> Sandboxes::stop(std::string id, async::StopToken stop) {
  auto answer = co_await deps_.engine.get(cat(path_of(id), "/json"), "", stop);
  if (!answer && !answer.error().is(Reason::kNotFound)) co_return to_grpc(answer.error());
  InspectedContainer sandbox;
  if (answer) sandbox = parse_container(*answer);
  auto checkpoint = co_await checkpoint_of(id, answer ? &sandbox : nullptr);
  // Nothing is known of it: it was removed before.
  if (!checkpoint) co_return GrpcStatus{};
  if (answer) {
    const Status ended = co_await end_containers(id, false, stop);
    if (!ended.ok()) co_return to_grpc(ended);
  }
  const Status unwired = co_await remove_network(id, std::move(*checkpoint), sandbox.pid);
  if (!unwired.ok()) co_return to_grpc(unwired);
  addresses_.erase(id);
  if (!answer || !sandbox.running) co_return GrpcStatus{};
  auto stopped =
      co_await deps_.engine.post(cat(path_of(id), "/stop"), cat("t=", kGraceSeconds), {}, stop);
  if (!stopped && !stopped.error().is(Reason::kNotFound)) co_return to_grpc(stopped.error());
  co_return GrpcStatus{};
}

// Those of the sandbox's containers that are there go at once.
async::Task<Status> Sandboxes::end_containers(std::string id, bool remove, async::StopToken stop) {
  const std::string query =
      cat(remove ? "all=true&" : "", filters({{"label", cat(label::kSandboxId, "=", id)}}));
  KPP_CO_ASSIGN(const json::Value answer,
                co_await deps_.engine.get("/containers/json", query, stop));
  for (const ListedContainer& container : parse_containers(answer)) {
    Status ended;
    if (remove) {
      ended = co_await remove_from_engine(deps_, container.id, container.state != "created", stop);
    } else {
      auto killed = co_await deps_.engine.post(cat(path_of(container.id), "/kill"), "", {}, stop);
      if (!killed) ended = std::move(killed).error();
    }
    // It ended by itself in between.
    if (!ended.ok() && !ended.is(Reason::kNotFound) && !ended.is(Reason::kConflict))
      co_return ended;
  }
  co_return Status();
}

async::Task<GrpcStatus> Sandboxes::remove(std::string id, async::StopToken stop) {
  const Status ended = co_await end_containers(id, true, stop);
  if (!ended.ok()) co_return to_grpc(ended);
  const Status removed = co_await take_down(id);
  co_return to_grpc(removed);
}

async::Task<std::vector<std::string>> Sandboxes::addresses(InspectedContainer sandbox) {
  if (const auto known = addresses_.find(sandbox.id); known != addresses_.end())
    co_return known->second;
  auto found = co_await async::offload(deps_.executor, deps_.pool, [pid = sandbox.pid] {
    const std::string net = cat("/proc/", pid, "/net/");
    return parse_addresses(fs::read_file(net + "fib_trie").value_or(""),
                           fs::read_file(net + "if_inet6").value_or(""));
  });
  if (!found.empty()) addresses_[sandbox.id] = found;
  co_return found;
}

async::Task<GrpcResult<cri::PodSandboxStatus>> Sandboxes::status(std::string id,
                                                                 async::StopToken stop) {
  auto answer = co_await deps_.engine.get(cat(path_of(id), "/json"), "", stop);
  if (!answer) {
    if (!answer.error().is(Reason::kNotFound)) co_return failed(answer.error());
    const auto known = co_await checkpoint_of(id, nullptr);
    if (!known) co_return failed(answer.error());
    const cri::PodSandbox sandbox = remembered(id, *known);
    cri::PodSandboxStatus out;
    out.id = id;
    out.metadata = sandbox.metadata;
    out.state = sandbox.state;
    out.labels = sandbox.labels;
    co_return out;
  }
  const InspectedContainer sandbox = parse_container(*answer);
  cri::PodSandboxStatus out;
  out.id = sandbox.id;
  out.metadata = metadata_of(sandbox.name, sandbox.labels);
  out.state = sandbox.running ? cri::SANDBOX_READY : cri::SANDBOX_NOTREADY;
  out.created_at = sandbox.created;
  auto& options = out.linux.emplace().namespaces.emplace().options.emplace();
  options.network = mode_of(sandbox.network_mode);
  options.pid = mode_of(sandbox.pid_mode);
  options.ipc = mode_of(sandbox.ipc_mode);
  auto labels = from_docker_labels(sandbox.labels);
  out.labels = std::move(labels.labels);
  out.annotations = std::move(labels.annotations);
  auto& network = out.network.emplace();
  if (sandbox.running && options.network != cri::NODE) {
    const auto found = co_await addresses(sandbox);
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (i == 0)
        network.ip = found[0];
      else
        network.additional_ips.emplace_back().ip = found[i];
    }
  }
  co_return out;
}

async::Task<GrpcResult<std::vector<cri::PodSandbox>>> Sandboxes::list(cri::PodSandboxFilter filter,
                                                                      async::StopToken stop) {
  const std::string query =
      cat("all=true&", filters({{"label", cat(label::kType, "=", label::kTypeSandbox)}}));
  // Checkpoints first: a sandbox that is made in between has both then.
  const Checkpoints* const checkpoints = &checkpoints_;
  auto known = co_await async::offload(deps_.executor, deps_.pool,
                                       [checkpoints] { return checkpoints->all(); });
  KPP_GRPC_ASSIGN(const json::Value answer,
                  co_await deps_.engine.get("/containers/json", query, stop));
  std::vector<cri::PodSandbox> out;
  for (const ListedContainer& container : parse_containers(answer)) {
    known.erase(container.id);
    if (cri::PodSandbox sandbox = listed(container); wanted(filter, sandbox))
      out.push_back(std::move(sandbox));
  }
  for (const auto& [id, checkpoint] : known) {
    if (cri::PodSandbox sandbox = remembered(id, checkpoint); wanted(filter, sandbox))
      out.push_back(std::move(sandbox));
  }
  co_return out;
}

async::Task<Status> Sandboxes::clean_up(async::StopToken stop) {
  const std::string query =
      cat("all=true&", filters({{"label", cat(label::kType, "=", label::kTypeSandbox)}}));
  const Checkpoints* const checkpoints = &checkpoints_;
  auto known = co_await async::offload(deps_.executor, deps_.pool,
                                       [checkpoints] { return checkpoints->all(); });
  KPP_CO_ASSIGN(const json::Value answer,
                co_await deps_.engine.get("/containers/json", query, stop));
  std::vector<std::string> half_made;
  for (const ListedContainer& container : parse_containers(answer)) {
    const auto found = known.find(container.id);
    const bool complete =
        found != known.end() ? found->second.complete : container.state != "created";
    if (found != known.end()) known.erase(found);
    if (!complete && !in_hand_.contains(container.name)) half_made.push_back(container.id);
  }
  for (const auto& [id, checkpoint] : known) {
    cri::PodSandboxMetadata metadata;
    metadata.name = checkpoint.name;
    metadata.namespace_ = checkpoint.pod_namespace;
    metadata.uid = checkpoint.uid;
    // The attempt is not known; one of the pod's sandboxes in hand keeps it for the next time.
    const std::string name = sandbox_name(metadata);
    const std::string pod = name.substr(0, name.rfind('_') + 1);
    const auto in_hand = in_hand_.lower_bound(pod);
    if (in_hand == in_hand_.end() || !in_hand->starts_with(pod)) half_made.push_back(id);
  }
  for (const std::string& id : half_made) {
    deps_.log.info("Removing what is left of a sandbox", {kv("podSandboxID", id)});
    KPP_CO_RETURN_IF_ERROR(co_await take_down(id));
  }
  has_leftovers_ = false;
  co_return Status();
}

}  // namespace kpp::dockershim
