#include "dockershim/containers.h"

#include "async/wait.h"
#include "base/fs.h"
#include "base/ids.h"
#include "dockershim/container_spec.h"
#include "dockershim/orphans.h"
#include "dockershim/sandboxes.h"

namespace kpp::dockershim {
namespace {

std::string path_of(const std::string& id) { return cat("/containers/", id); }

// "... by container "ID". You have to ..."
std::string holder_of_name(const std::string& message) {
  constexpr std::string_view kBy = "by container \"";
  const std::size_t at = message.find(kBy);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + kBy.size();
  return message.substr(begin, message.find('"', begin) - begin);
}

std::int32_t state_of(const ListedContainer& container) {
  if (container.is_running()) return cri::CONTAINER_RUNNING;
  return container.state == "created" ? cri::CONTAINER_CREATED : cri::CONTAINER_EXITED;
}

cri::Container listed(const ListedContainer& container) {
  cri::Container out;
  out.id = container.id;
  if (const auto sandbox = container.labels.find(std::string(label::kSandboxId));
      sandbox != container.labels.end()) {
    out.pod_sandbox_id = sandbox->second;
  }
  auto& metadata = out.metadata.emplace();
  if (const auto name = parse_name(container.name)) {
    metadata.name = name->container;
    metadata.attempt = name->attempt;
  }
  out.image.emplace().image = container.image;
  out.image_ref = container.image_id;
  out.image_id = container.image_id;
  out.state = state_of(container);
  out.created_at = container.created * 1'000'000'000;
  auto labels = from_docker_labels(container.labels);
  out.labels = std::move(labels.labels);
  out.annotations = std::move(labels.annotations);
  return out;
}

bool wanted(const cri::ContainerFilter& filter, const cri::Container& container) {
  if (!filter.id.empty() && !container.id.starts_with(filter.id)) return false;
  if (!filter.pod_sandbox_id.empty() && filter.pod_sandbox_id != container.pod_sandbox_id)
    return false;
  if (filter.state && filter.state->state != container.state) return false;
  return selects(filter.label_selector, container.labels);
}

}  // namespace

Containers::Containers(const ShimDeps& deps, Logs& logs)
    : deps_(deps), logs_(logs), lowest_oom_score_adj_(lowest_oom_score_adj()) {}

async::Task<Result<InspectedContainer>> Containers::inspect(std::string id, async::StopToken stop) {
  KPP_CO_ASSIGN(const json::Value answer,
                co_await deps_.engine.get(cat(path_of(id), "/json"), "", std::move(stop)));
  InspectedContainer out = parse_container(answer);
  const auto type = out.labels.find(std::string(label::kType));
  if (type == out.labels.end() || type->second != label::kTypeContainer)
    co_return fail(Reason::kNotFound, cat("container ", quoted(id), " is none of a pod"));
  co_return out;
}

async::Task<GrpcResult<std::string>> Containers::create(cri::CreateContainerRequest request,
                                                        async::StopToken stop) {
  if (!request.config || !request.config->metadata || !request.sandbox_config ||
      !request.sandbox_config->metadata) {
    co_return std::unexpected(
        GrpcStatus{net::kGrpcInvalidArgument, "a container's config has no metadata"});
  }
  KPP_GRPC_ASSIGN(const EngineInfo info, co_await deps_.engine.info(stop));
  const std::string name =
      container_name(*request.sandbox_config->metadata, *request.config->metadata);
  ContainerRequest wanted{
      request.pod_sandbox_id, std::move(*request.config), std::move(*request.sandbox_config), {}};
  if (const std::string path = seccomp_profile_path(wanted.config); !path.empty()) {
    auto profile = co_await async::offload(deps_.executor, deps_.pool,
                                           [path] { return fs::read_file(path, 1u << 20); });
    if (!profile) {
      co_return std::unexpected(
          GrpcStatus{net::kGrpcUnknown,
                     cat("failed to generate seccomp security options for ", "container ",
                         quoted(wanted.config.metadata->name), ": cannot load seccomp profile ",
                         quoted(path), ": ", profile.error().message())});
    }
    wanted.seccomp_profile = std::move(*profile);
  }
  auto spec = container_spec(wanted, {info.cgroup_driver == "systemd", lowest_oom_score_adj_});
  if (!spec) co_return std::unexpected(std::move(spec).error());
  auto created = co_await create_named(name, std::move(*spec), stop);
  // An image or a sandbox that is not there is what the kubelet looks for by its words.
  if (!created) co_return std::unexpected(GrpcStatus{net::kGrpcUnknown, created.error().message()});
  co_return std::string(json::text_at(*created, "Id"));
}

// A container that has the name already was made by a call whose answer was lost: it goes, unless
// it cannot, and then this one takes a name beside it.
async::Task<Result<json::Value>> Containers::create_named(std::string name, json::Object spec,
                                                          async::StopToken stop) {
  const auto query = [](const std::string& as) { return cat("name=", net::percent_encode(as)); };
  auto created = co_await deps_.engine.post("/containers/create", query(name), spec, stop);
  if (created || !created.error().is(Reason::kConflict)) co_return created;
  const std::string holder = holder_of_name(created.error().message());
  if (holder.empty()) co_return created;
  const auto other = co_await inspect(holder, stop);
  if (other) {
    deps_.log.warning("A container has the name of one that is made; it is removed",
                      {kv("name", name), kv("containerID", holder)});
    const Status removed = co_await deps_.engine.remove(path_of(holder), "v=true", stop);
    if (!removed.ok() && !removed.is(Reason::kNotFound)) co_return created;
    logs_.forget(holder);
  } else {
    if (!other.error().is(Reason::kNotFound)) co_return created;
    name += cat("_", random_suffix(8));
  }
  co_return co_await deps_.engine.post("/containers/create", query(name), std::move(spec), stop);
}

async::Task<GrpcStatus> Containers::start(std::string id, async::StopToken stop) {
  auto container = co_await inspect(id, stop);
  if (!container) co_return to_grpc(container.error());
  auto started = co_await deps_.engine.post(cat(path_of(id), "/start"), "", {}, stop);
  const auto path = container->labels.find(std::string(label::kLogPath));
  if (path != container->labels.end()) {
    const Status followed = co_await logs_.follow(container->id, path->second, container->tty);
    if (!followed.ok()) {
      deps_.log.error("Cannot keep a container's log",
                      {kv("containerID", id), kv("err", followed.message())});
    }
  }
  if (!started) {
    co_return GrpcStatus{net::kGrpcUnknown, cat("failed to start container ", quoted(id), ": ",
                                                started.error().message())};
  }
  co_return GrpcStatus{};
}

async::Task<GrpcStatus> Containers::stop(std::string id, std::int64_t grace_seconds,
                                         async::StopToken stop) {
  auto container = co_await inspect(id, stop);
  if (!container) {
    if (container.error().is(Reason::kNotFound)) co_return GrpcStatus{};
    co_return to_grpc(container.error());
  }
  auto stopped = co_await deps_.engine.post(
      cat(path_of(id), "/stop"), cat("t=", std::max<std::int64_t>(0, grace_seconds)), {}, stop);
  if (!stopped && !stopped.error().is(Reason::kNotFound)) co_return to_grpc(stopped.error());
  co_return GrpcStatus{};
}

async::Task<GrpcStatus> Containers::remove(std::string id, async::StopToken stop) {
  auto container = co_await inspect(id, stop);
  if (!container) {
    if (container.error().is(Reason::kNotFound)) co_return GrpcStatus{};
    co_return to_grpc(container.error());
  }
  // What it wrote is read to the end before it goes.
  if (!container->running) co_await logs_.settle(container->id, stop);
  logs_.forget(container->id);
  const Status removed =
      co_await remove_from_engine(deps_, container->id, container->started != 0, stop);
  if (!removed.ok() && !removed.is(Reason::kNotFound)) {
    co_return GrpcStatus{net::kGrpcUnknown,
                         cat("failed to remove container ", quoted(id), ": ", removed.message())};
  }
  co_return GrpcStatus{};
}

async::Task<GrpcResult<cri::ContainerStatus>> Containers::status(std::string id,
                                                                 async::StopToken stop) {
  KPP_GRPC_ASSIGN(const InspectedContainer container, co_await inspect(id, stop));
  cri::ContainerStatus out = container_status(container);
  if (out.state == cri::CONTAINER_EXITED) co_await logs_.settle(container.id, stop);
  out.image.emplace().image = container.image;
  out.image_ref = image_ref(container.image_id, {});
  auto image =
      co_await deps_.engine.get(cat("/images/", container.image_id, "/json"), "", std::move(stop));
  // An image that was removed under a container leaves its id.
  if (image) {
    const auto tags = parse_texts(json::find(*image, "RepoTags"));
    if (!tags.empty()) out.image->image = tags[0];
    out.image_ref = image_ref(container.image_id, parse_texts(json::find(*image, "RepoDigests")));
  }
  co_return out;
}

async::Task<Result<json::Value>> Containers::list_all(cri::ContainerFilter filter,
                                                      async::StopToken stop) {
  std::string sandbox;
  if (!filter.pod_sandbox_id.empty()) sandbox = cat(label::kSandboxId, "=", filter.pod_sandbox_id);
  const std::string type = cat(label::kType, "=", label::kTypeContainer);
  const std::string query =
      sandbox.empty() ? filters({{"label", type}}) : filters({{"label", type}, {"label", sandbox}});
  co_return co_await deps_.engine.get("/containers/json", cat("all=true&", query), std::move(stop));
}

async::Task<GrpcResult<std::vector<cri::Container>>> Containers::list(cri::ContainerFilter filter,
                                                                      async::StopToken stop) {
  KPP_GRPC_ASSIGN(const json::Value answer, co_await list_all(filter, std::move(stop)));
  std::vector<cri::Container> out;
  for (const ListedContainer& container : parse_containers(answer)) {
    if (cri::Container one = listed(container); wanted(filter, one)) out.push_back(std::move(one));
  }
  co_return out;
}

async::Task<GrpcStatus> Containers::update(cri::UpdateContainerResourcesRequest request,
                                           async::StopToken stop) {
  if (!request.linux) co_return GrpcStatus{};
  auto container = co_await inspect(request.container_id, stop);
  if (!container) co_return to_grpc(container.error());
  json::Object spec = update_spec(*request.linux);
  auto updated = co_await deps_.engine.post(cat(path_of(request.container_id), "/update"), "",
                                            std::move(spec), std::move(stop));
  if (updated) co_return GrpcStatus{};
  co_return GrpcStatus{net::kGrpcUnknown,
                       cat("failed to update container ", quoted(request.container_id), ": ",
                           updated.error().message())};
}

async::Task<GrpcStatus> Containers::reopen_log(std::string id, async::StopToken stop) {
  auto container = co_await inspect(id, std::move(stop));
  if (!container) co_return to_grpc(container.error());
  if (!container->running) co_return GrpcStatus{net::kGrpcUnknown, "container is not running"};
  const auto path = container->labels.find(std::string(label::kLogPath));
  if (path == container->labels.end()) co_return GrpcStatus{};
  const Status reopened = co_await logs_.reopen(path->second);
  co_return to_grpc(reopened);
}

async::Task<Status> Containers::follow_logs(async::StopToken stop) {
  KPP_CO_ASSIGN(const json::Value answer, co_await list_all({}, stop));
  for (const ListedContainer& container : parse_containers(answer)) {
    const auto path = container.labels.find(std::string(label::kLogPath));
    if (path == container.labels.end() || container.state == "created") continue;
    // The directory is gone with its pod: nobody reads this log any more.
    if (!fs::exists(path->second.substr(0, path->second.rfind('/')))) continue;
    const auto inspected = co_await inspect(container.id, stop);
    if (!inspected) continue;
    (void)co_await logs_.follow(container.id, path->second, inspected->tty);
  }
  co_return Status();
}

}  // namespace kpp::dockershim
