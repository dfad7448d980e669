#include "dockershim/stats.h"

#include <algorithm>

namespace kpp::dockershim {
namespace {

std::uint64_t number_at(const json::Value& value, std::string_view path) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, json::int_at(value, path)));
}

// What the kernel cannot take back at once. Control groups v1 and v2 name it differently.
std::uint64_t working_set(const json::Value& stats) {
  const std::uint64_t usage = number_at(stats, "memory_stats.usage");
  std::uint64_t inactive = number_at(stats, "memory_stats.stats.total_inactive_file");
  if (inactive == 0) inactive = number_at(stats, "memory_stats.stats.inactive_file");
  return usage > inactive ? usage - inactive : 0;
}

void add(api::Opt<cri::UInt64Value>& sum, const api::Opt<cri::UInt64Value>& part) {
  if (part) sum.ensure().value += part->value;
}

}  // namespace

void set_usage(const json::Value& stats, std::int64_t now, cri::ContainerStats& out) {
  auto& cpu = out.cpu.emplace();
  cpu.timestamp = now;
  cpu.usage_core_nano_seconds.emplace().value = number_at(stats, "cpu_stats.cpu_usage.total_usage");
  auto& memory = out.memory.emplace();
  memory.timestamp = now;
  memory.usage_bytes.emplace().value = number_at(stats, "memory_stats.usage");
  memory.working_set_bytes.emplace().value = working_set(stats);
  const std::uint64_t rss = number_at(stats, "memory_stats.stats.rss");
  memory.rss_bytes.emplace().value = rss != 0 ? rss : number_at(stats, "memory_stats.stats.anon");
  memory.page_faults.emplace().value = number_at(stats, "memory_stats.stats.pgfault");
  memory.major_page_faults.emplace().value = number_at(stats, "memory_stats.stats.pgmajfault");
  if (const std::uint64_t limit = number_at(stats, "memory_stats.limit"); limit != 0) {
    const std::uint64_t used = memory.working_set_bytes->value;
    memory.available_bytes.emplace().value = limit > used ? limit - used : 0;
  }
}

async::Task<Result<cri::ContainerStats>> Stats::one(cri::Container container, std::int64_t size_rw,
                                                    async::StopToken stop) {
  KPP_CO_ASSIGN(const json::Value stats,
                co_await deps_.engine.get(cat("/containers/", container.id, "/stats"),
                                          "stream=false&one-shot=true", stop));
  KPP_CO_ASSIGN(const EngineInfo info, co_await deps_.engine.info(stop));
  const std::int64_t now = deps_.executor.wall().time_since_epoch().count();
  cri::ContainerStats out;
  auto& attributes = out.attributes.emplace();
  attributes.id = container.id;
  attributes.metadata = container.metadata;
  attributes.labels = container.labels;
  attributes.annotations = container.annotations;
  set_usage(stats, now, out);
  if (size_rw >= 0) {
    auto& layer = out.writable_layer.emplace();
    layer.timestamp = now;
    layer.fs_id.emplace().mountpoint = info.root_directory;
    layer.used_bytes.emplace().value = static_cast<std::uint64_t>(size_rw);
  }
  co_return out;
}

async::Task<GrpcResult<cri::ContainerStats>> Stats::container(std::string id,
                                                              async::StopToken stop) {
  cri::ContainerStatsFilter filter;
  filter.id = id;
  auto found = co_await containers(std::move(filter), std::move(stop));
  if (!found) co_return std::unexpected(std::move(found).error());
  if (found->empty())
    co_return std::unexpected(GrpcStatus{net::kGrpcNotFound, cat("No such container: ", id)});
  co_return std::move(found->front());
}

async::Task<GrpcResult<std::vector<cri::ContainerStats>>> Stats::containers(
    cri::ContainerStatsFilter filter, async::StopToken stop) {
  cri::ContainerFilter wanted;
  wanted.id = filter.id;
  wanted.pod_sandbox_id = filter.pod_sandbox_id;
  wanted.label_selector = filter.label_selector;
  wanted.state.emplace().state = cri::CONTAINER_RUNNING;
  auto listed = co_await containers_.list(std::move(wanted), stop);
  if (!listed) co_return std::unexpected(std::move(listed).error());
  // Docker measures the layers of all that it lists.
  std::map<std::string, std::int64_t> sizes;
  const std::string type = cat(label::kType, "=", label::kTypeContainer);
  KPP_GRPC_ASSIGN(const json::Value sized,
                  co_await deps_.engine.get("/containers/json",
                                            cat("size=true&", filters({{"label", type}})), stop));
  for (const ListedContainer& container : parse_containers(sized))
    sizes[container.id] = container.size_rw;
  std::vector<cri::ContainerStats> out;
  for (cri::Container& container : *listed) {
    const auto size = sizes.find(container.id);
    auto stats = co_await one(std::move(container), size == sizes.end() ? -1 : size->second, stop);
    // It ended in between.
    if (stats) out.push_back(std::move(*stats));
  }
  co_return out;
}

async::Task<GrpcResult<cri::PodSandboxStats>> Stats::pod_of(cri::PodSandbox sandbox,
                                                            async::StopToken stop) {
  cri::ContainerStatsFilter filter;
  filter.pod_sandbox_id = sandbox.id;
  auto of_containers = co_await containers(std::move(filter), std::move(stop));
  if (!of_containers) co_return std::unexpected(std::move(of_containers).error());
  cri::PodSandboxStats out;
  auto& attributes = out.attributes.emplace();
  attributes.id = sandbox.id;
  attributes.metadata = sandbox.metadata;
  attributes.labels = sandbox.labels;
  attributes.annotations = sandbox.annotations;
  auto& linux = out.linux.emplace();
  auto& cpu = linux.cpu.emplace();
  auto& memory = linux.memory.emplace();
  cpu.timestamp = memory.timestamp = deps_.executor.wall().time_since_epoch().count();
  for (const cri::ContainerStats& stats : *of_containers) {
    add(cpu.usage_core_nano_seconds, stats.cpu->usage_core_nano_seconds);
    add(memory.usage_bytes, stats.memory->usage_bytes);
    add(memory.working_set_bytes, stats.memory->working_set_bytes);
    add(memory.rss_bytes, stats.memory->rss_bytes);
    add(memory.page_faults, stats.memory->page_faults);
    add(memory.major_page_faults, stats.memory->major_page_faults);
  }
  linux.containers = std::move(*of_containers);
  co_return out;
}

async::Task<GrpcResult<cri::PodSandboxStats>> Stats::pod(std::string id, async::StopToken stop) {
  cri::PodSandboxStatsFilter filter;
  filter.id = id;
  auto found = co_await pods(std::move(filter), std::move(stop));
  if (!found) co_return std::unexpected(std::move(found).error());
  if (found->empty())
    co_return std::unexpected(GrpcStatus{net::kGrpcNotFound, cat("No such sandbox: ", id)});
  co_return std::move(found->front());
}

async::Task<GrpcResult<std::vector<cri::PodSandboxStats>>> Stats::pods(
    cri::PodSandboxStatsFilter filter, async::StopToken stop) {
  cri::PodSandboxFilter wanted;
  wanted.id = filter.id;
  wanted.label_selector = filter.label_selector;
  wanted.state.emplace().state = cri::SANDBOX_READY;
  auto listed = co_await sandboxes_.list(std::move(wanted), stop);
  if (!listed) co_return std::unexpected(std::move(listed).error());
  std::vector<cri::PodSandboxStats> out;
  for (cri::PodSandbox& sandbox : *listed) {
    auto stats = co_await pod_of(std::move(sandbox), stop);
    if (!stats) co_return std::unexpected(std::move(stats).error());
    out.push_back(std::move(*stats));
  }
  co_return out;
}

}  // namespace kpp::dockershim
