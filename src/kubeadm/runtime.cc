#include "kubeadm/runtime.h"

#include "api/cri.h"
#include "api/proto_codec.h"
#include "codec/json.h"
#include "net/grpc.h"

namespace kpp::kubeadm {
namespace {

constexpr Duration kDeadline = std::chrono::seconds(10);

net::Endpoint endpoint_of(std::string socket) {
  constexpr std::string_view kUnix = "unix://";
  if (socket.starts_with(kUnix)) socket.erase(0, kUnix.size());
  net::Endpoint out;
  out.unix_path = std::move(socket);
  return out;
}

async::Task<Result<RuntimeFacts>> ask(net::GrpcChannel& channel, async::StopToken stop) {
  RuntimeFacts facts;
  auto bytes = co_await channel.unary("/runtime.v1.RuntimeService/Version",
                                      api::to_proto(cri::VersionRequest()), kDeadline, stop);
  if (!bytes) co_return fail(bytes.error().to_status());
  KPP_CO_ASSIGN(const cri::VersionResponse version, api::parse_proto<cri::VersionResponse>(*bytes));
  facts.name = version.runtime_name;
  facts.version = version.runtime_version;
  cri::StatusRequest request;
  request.verbose = true;
  bytes = co_await channel.unary("/runtime.v1.RuntimeService/Status", api::to_proto(request),
                                 kDeadline, stop);
  if (!bytes) co_return fail(bytes.error().to_status());
  KPP_CO_ASSIGN(const cri::StatusResponse status, api::parse_proto<cri::StatusResponse>(*bytes));
  if (const auto config = status.info.find("config"); config != status.info.end()) {
    facts.cgroup_driver = cgroup_driver_of(config->second);
    facts.sandbox_image = sandbox_image_of(config->second);
  }
  // Runtimes of today say it by a call of its own.
  bytes = co_await channel.unary("/runtime.v1.RuntimeService/RuntimeConfig",
                                 api::to_proto(cri::RuntimeConfigRequest()), kDeadline, stop);
  if (bytes) {
    KPP_CO_ASSIGN(const cri::RuntimeConfigResponse config,
                  api::parse_proto<cri::RuntimeConfigResponse>(*bytes));
    if (config.linux)
      facts.cgroup_driver = config.linux->cgroup_driver == cri::SYSTEMD ? "systemd" : "cgroupfs";
  }
  facts.answers = true;
  co_return facts;
}

async::Task<Status> remove_all(net::GrpcChannel& channel, async::StopToken stop) {
  constexpr Duration kSlow = std::chrono::minutes(2);
  auto bytes = co_await channel.unary("/runtime.v1.RuntimeService/ListPodSandbox",
                                      api::to_proto(cri::ListPodSandboxRequest()), kDeadline, stop);
  if (!bytes) co_return bytes.error().to_status();
  KPP_CO_ASSIGN(const cri::ListPodSandboxResponse list,
                api::parse_proto<cri::ListPodSandboxResponse>(*bytes));
  for (const cri::PodSandbox& pod : list.items) {
    cri::StopPodSandboxRequest end;
    end.pod_sandbox_id = pod.id;
    auto done = co_await channel.unary("/runtime.v1.RuntimeService/StopPodSandbox",
                                       api::to_proto(end), kSlow, stop);
    if (!done) co_return done.error().to_status();
    cri::RemovePodSandboxRequest remove;
    remove.pod_sandbox_id = pod.id;
    done = co_await channel.unary("/runtime.v1.RuntimeService/RemovePodSandbox",
                                  api::to_proto(remove), kSlow, stop);
    if (!done) co_return done.error().to_status();
  }
  co_return Status();
}

}  // namespace

async::Task<Status> remove_pods(async::IoExecutor& executor, std::string cri_socket,
                                async::StopToken stop) {
  net::GrpcChannel channel(executor, endpoint_of(std::move(cri_socket)), {});
  Status done = co_await remove_all(channel, stop);
  co_await channel.close();
  co_return done;
}

std::string cgroup_driver_of(std::string_view reported_config) {
  const auto config = json::parse(reported_config);
  if (!config) return {};
  std::string runtime(json::text_at(*config, "containerd.defaultRuntimeName"));
  if (runtime.empty()) runtime = "runc";
  const json::Value* const options =
      json::find(*config, cat("containerd.runtimes.", runtime, ".options"));
  if (options == nullptr || !options->is_object()) return {};
  const json::Value* const systemd = options->get_object().if_contains("SystemdCgroup");
  return systemd != nullptr && systemd->is_bool() && systemd->get_bool() ? "systemd" : "cgroupfs";
}

std::string sandbox_image_of(std::string_view reported_config) {
  const auto config = json::parse(reported_config);
  return config ? std::string(json::text_at(*config, "sandboxImage")) : std::string();
}

async::Task<RuntimeFacts> ask_runtime(async::IoExecutor& executor, std::string cri_socket,
                                      async::StopToken stop) {
  net::GrpcChannel channel(executor, endpoint_of(std::move(cri_socket)), {});
  Result<RuntimeFacts> answer = co_await ask(channel, stop);
  co_await channel.close();
  if (answer) co_return std::move(*answer);
  RuntimeFacts facts;
  facts.error = answer.error().message();
  co_return facts;
}

}  // namespace kpp::kubeadm
