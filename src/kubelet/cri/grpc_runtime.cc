#include "kubelet/cri/grpc_runtime.h"

#include "api/proto_codec.h"
#include "net/grpc.h"

namespace kpp::kubelet {
namespace {

constexpr Duration kQuick = std::chrono::minutes(2);
constexpr Duration kSlow = std::chrono::minutes(4);
constexpr Duration kPull = std::chrono::hours(24);  // a pull has no time limit of its own

net::Endpoint endpoint_of(std::string endpoint) {
  constexpr std::string_view kScheme = "unix://";
  if (endpoint.starts_with(kScheme)) endpoint.erase(0, kScheme.size());
  net::Endpoint out;
  out.unix_path = std::move(endpoint);
  return out;
}

// The description alone: callers put the code before it where it is shown.
Status status_of(const net::GrpcStatus& error) {
  if (error.code == net::kGrpcUnknown) return {Reason::kUnknown, error.message};
  return {error.to_status().reason(), error.message};
}

}  // namespace

struct GrpcRuntime::Connection {
  Connection(async::IoExecutor& executor, const std::string& endpoint)
      : channel(executor, endpoint_of(endpoint), {}) {}

  net::GrpcChannel channel;

  template <class Answer, class Request>
  async::Task<Result<Answer>> call(std::string method, Request request, Duration deadline,
                                   async::StopToken stop) {
    auto bytes = co_await channel.unary(std::move(method), api::to_proto(request), deadline,
                                        std::move(stop));
    if (!bytes) co_return std::unexpected(status_of(bytes.error()));
    co_return api::parse_proto<Answer>(*bytes);
  }
  template <class Answer, class Request>
  async::Task<Result<Answer>> runtime(std::string_view method, Request request,
                                      async::StopToken stop, Duration deadline = kQuick) {
    return call<Answer>(cat("/runtime.v1.RuntimeService/", method), std::move(request), deadline,
                        std::move(stop));
  }
  template <class Answer, class Request>
  async::Task<Result<Answer>> images(std::string_view method, Request request,
                                     async::StopToken stop, Duration deadline = kQuick) {
    return call<Answer>(cat("/runtime.v1.ImageService/", method), std::move(request), deadline,
                        std::move(stop));
  }
};

GrpcRuntime::GrpcRuntime(async::IoExecutor& executor, const std::string& endpoint)
    : connection_(std::make_unique<Connection>(executor, endpoint)) {}

GrpcRuntime::~GrpcRuntime() = default;

async::Task<void> GrpcRuntime::close() { return connection_->channel.close(); }

async::Task<Result<cri::VersionResponse>> GrpcRuntime::version(async::StopToken stop) {
  cri::VersionRequest request;
  request.version = "0.1.0";
  return connection_->runtime<cri::VersionResponse>("Version", std::move(request), std::move(stop));
}

async::Task<Result<cri::StatusResponse>> GrpcRuntime::status(async::StopToken stop) {
  return connection_->runtime<cri::StatusResponse>("Status", cri::StatusRequest(), std::move(stop));
}

async::Task<Result<cri::ImageFsInfoResponse>> GrpcRuntime::image_fs_info(async::StopToken stop) {
  return connection_->images<cri::ImageFsInfoResponse>("ImageFsInfo", cri::ImageFsInfoRequest(),
                                                       std::move(stop));
}

async::Task<Result<std::string>> GrpcRuntime::run_sandbox(cri::PodSandboxConfig config,
                                                          std::string handler,
                                                          async::StopToken stop) {
  cri::RunPodSandboxRequest request;
  request.config = std::move(config);
  request.runtime_handler = std::move(handler);
  auto answer = co_await connection_->runtime<cri::RunPodSandboxResponse>(
      "RunPodSandbox", std::move(request), std::move(stop), kSlow);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->pod_sandbox_id);
}

async::Task<Status> GrpcRuntime::stop_sandbox(std::string id, async::StopToken stop) {
  cri::StopPodSandboxRequest request;
  request.pod_sandbox_id = std::move(id);
  auto answer = co_await connection_->runtime<cri::StopPodSandboxResponse>(
      "StopPodSandbox", std::move(request), std::move(stop));
  if (!answer) co_return std::move(answer).error();
  co_return Status();
}

async::Task<Status> GrpcRuntime::remove_sandbox(std::string id, async::StopToken stop) {
  cri::RemovePodSandboxRequest request;
  request.pod_sandbox_id = std::move(id);
  auto answer = co_await connection_->runtime<cri::RemovePodSandboxResponse>(
      "RemovePodSandbox", std::move(request), std::move(stop));
  if (!answer) co_return std::move(answer).error();
  co_return Status();
}

async::Task<Result<cri::PodSandboxStatus>> GrpcRuntime::sandbox_status(std::string id,
                                                                       async::StopToken stop) {
  cri::PodSandboxStatusRequest request;
  request.pod_sandbox_id = std::move(id);
  auto answer = co_await connection_->runtime<cri::PodSandboxStatusResponse>(
      "PodSandboxStatus", std::move(request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (!answer->status)
    co_return fail(Reason::kInternalError, "the runtime answered a sandbox status that is empty");
  co_return std::move(*answer->status);
}

async::Task<Result<std::vector<cri::PodSandbox>>> GrpcRuntime::list_sandboxes(
    cri::PodSandboxFilter filter, async::StopToken stop) {
  cri::ListPodSandboxRequest request;
  request.filter = std::move(filter);
  auto answer = co_await connection_->runtime<cri::ListPodSandboxResponse>(
      "ListPodSandbox", std::move(request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->items);
}

async::Task<Result<std::string>> GrpcRuntime::create_container(std::string sandbox_id,
                                                               cri::ContainerConfig config,
                                                               cri::PodSandboxConfig sandbox_config,
                                                               async::StopToken stop) {
  cri::CreateContainerRequest request;
  request.pod_sandbox_id = std::move(sandbox_id);
  request.config = std::move(config);
  request.sandbox_config = std::move(sandbox_config);
  auto answer = co_await connection_->runtime<cri::CreateContainerResponse>(
      "CreateContainer", std::move(request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->container_id);
}

async::Task<Status> GrpcRuntime::start_container(std::string id, async::StopToken stop) {
  cri::StartContainerRequest request;
  request.container_id = std::move(id);
  auto answer = co_await connection_->runtime<cri::StartContainerResponse>(
      "StartContainer", std::move(request), std::move(stop));
  if (!answer) co_return std::move(answer).error();
  co_return Status();
}

async::Task<Status> GrpcRuntime::stop_container(std::string id, std::int64_t grace_seconds,
                                                async::StopToken stop) {
  cri::StopContainerRequest request;
  request.container_id = std::move(id);
  request.timeout = grace_seconds;
  auto answer = co_await connection_->runtime<cri::StopContainerResponse>(
      "StopContainer", std::move(request), std::move(stop),
      kQuick + std::chrono::seconds(grace_seconds));
  if (!answer) co_return std::move(answer).error();
  co_return Status();
}

async::Task<Status> GrpcRuntime::remove_container(std::string id, async::StopToken stop) {
  cri::RemoveContainerRequest request;
  request.container_id = std::move(id);
  auto answer = co_await connection_->runtime<cri::RemoveContainerResponse>(
      "RemoveContainer", std::move(request), std::move(stop));
  if (!answer) co_return std::move(answer).error();
  co_return Status();
}

async::Task<Result<std::vector<cri::Container>>> GrpcRuntime::list_containers(
    cri::ContainerFilter filter, async::StopToken stop) {
  cri::ListContainersRequest request;
  request.filter = std::move(filter);
  auto answer = co_await connection_->runtime<cri::ListContainersResponse>(
      "ListContainers", std::move(request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->containers);
}

async::Task<Result<cri::ContainerStatus>> GrpcRuntime::container_status(std::string id,
                                                                        async::StopToken stop) {
  cri::ContainerStatusRequest request;
  request.container_id = std::move(id);
  auto answer = co_await connection_->runtime<cri::ContainerStatusResponse>(
      "ContainerStatus", std::move(request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (!answer->status)
    co_return fail(Reason::kInternalError, "the runtime answered a container status that is empty");
  co_return std::move(*answer->status);
}

async::Task<Status> GrpcRuntime::update_container_resources(
    cri::UpdateContainerResourcesRequest request, async::StopToken stop) {
  auto answer = co_await connection_->runtime<cri::UpdateContainerResourcesResponse>(
      "UpdateContainerResources", std::move(request), std::move(stop));
  if (!answer) co_return std::move(answer).error();
  co_return Status();
}

async::Task<Status> GrpcRuntime::reopen_container_log(std::string id, async::StopToken stop) {
  cri::ReopenContainerLogRequest request;
  request.container_id = std::move(id);
  auto answer = co_await connection_->runtime<cri::ReopenContainerLogResponse>(
      "ReopenContainerLog", std::move(request), std::move(stop));
  if (!answer) co_return std::move(answer).error();
  co_return Status();
}

async::Task<Result<cri::ExecSyncResponse>> GrpcRuntime::exec_sync(std::string id,
                                                                  std::vector<std::string> command,
                                                                  std::chrono::seconds timeout,
                                                                  async::StopToken stop) {
  cri::ExecSyncRequest request;
  request.container_id = std::move(id);
  request.cmd = std::move(command);
  request.timeout = timeout.count();
  const Duration deadline = timeout.count() > 0 ? kQuick + timeout : kPull;
  auto answer = co_await connection_->runtime<cri::ExecSyncResponse>("ExecSync", std::move(request),
                                                                     std::move(stop), deadline);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(*answer);
}

async::Task<Result<std::string>> GrpcRuntime::exec(cri::ExecRequest request,
                                                   async::StopToken stop) {
  auto answer =
      co_await connection_->runtime<cri::ExecResponse>("Exec", std::move(request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->url);
}

async::Task<Result<std::string>> GrpcRuntime::attach(cri::AttachRequest request,
                                                     async::StopToken stop) {
  auto answer = co_await connection_->runtime<cri::AttachResponse>("Attach", std::move(request),
                                                                   std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->url);
}

async::Task<Result<std::string>> GrpcRuntime::port_forward(cri::PortForwardRequest request,
                                                           async::StopToken stop) {
  auto answer = co_await connection_->runtime<cri::PortForwardResponse>(
      "PortForward", std::move(request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->url);
}

async::Task<Result<std::vector<cri::ContainerStats>>> GrpcRuntime::list_container_stats(
    async::StopToken stop) {
  cri::ListContainerStatsRequest request;
  auto answer = co_await connection_->runtime<cri::ListContainerStatsResponse>(
      "ListContainerStats", std::move(request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->stats);
}

async::Task<Result<api::Opt<cri::Image>>> GrpcRuntime::image_status(cri::ImageSpec image,
                                                                    async::StopToken stop) {
  cri::ImageStatusRequest request;
  request.image = std::move(image);
  auto answer = co_await connection_->images<cri::ImageStatusResponse>(
      "ImageStatus", std::move(request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->image);
}

async::Task<Result<std::string>> GrpcRuntime::pull_image(cri::PullImageRequest request,
                                                         async::StopToken stop) {
  auto answer = co_await connection_->images<cri::PullImageResponse>(
      "PullImage", std::move(request), std::move(stop), kPull);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->image_ref);
}

async::Task<Result<std::vector<cri::Image>>> GrpcRuntime::list_images(async::StopToken stop) {
  cri::ListImagesRequest request;
  auto answer = co_await connection_->images<cri::ListImagesResponse>(
      "ListImages", std::move(request), std::move(stop));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->images);
}

async::Task<Status> GrpcRuntime::remove_image(cri::ImageSpec image, async::StopToken stop) {
  cri::RemoveImageRequest request;
  request.image = std::move(image);
  auto answer = co_await connection_->images<cri::RemoveImageResponse>(
      "RemoveImage", std::move(request), std::move(stop));
  if (!answer) co_return std::move(answer).error();
  co_return Status();
}

}  // namespace kpp::kubelet
