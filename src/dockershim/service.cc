#include "dockershim/service.h"

#include "dockershim/method.h"

namespace kpp::dockershim {
namespace {

using Parts = ShimParts;
template <class T>
using Answer = async::Task<GrpcResult<T>>;

constexpr std::string_view kRuntime = "/runtime.v1.RuntimeService/";
constexpr std::string_view kImages = "/runtime.v1.ImageService/";

// An answer with nothing in it.
template <class T>
GrpcResult<T> done(const GrpcStatus& status) {
  if (status.code != 0) return std::unexpected(status);
  return T();
}

// An answer with one member.
template <class T, class V>
GrpcResult<T> with(GrpcResult<V> value, auto T::* member) {
  if (!value) return std::unexpected(std::move(value).error());
  T out;
  out.*member = std::move(*value);
  return out;
}

Answer<cri::VersionResponse> version(const Parts* parts, cri::VersionRequest,
                                     async::StopToken stop) {
  KPP_GRPC_ASSIGN(const EngineVersion engine, co_await parts->deps.engine.version(stop));
  cri::VersionResponse out;
  out.version = "0.1.0";
  out.runtime_name = "docker";
  out.runtime_version = engine.version;
  out.runtime_api_version = cat(engine.api_version, ".0");
  co_return out;
}

cri::RuntimeCondition condition(std::string type, const Status& status, std::string reason) {
  cri::RuntimeCondition out;
  out.type = std::move(type);
  out.status = status.ok();
  if (status.ok()) return out;
  out.reason = std::move(reason);
  out.message = status.message();
  return out;
}

Answer<cri::StatusResponse> status(const Parts* parts, cri::StatusRequest request,
                                   async::StopToken stop) {
  // Asked anew: what was known of the engine says nothing of now.
  const auto ping = co_await parts->deps.engine.get("/version", "", stop);
  const Status engine = ping ? Status() : ping.error();
  const Status network = co_await parts->network.ready();
  cri::StatusResponse out;
  auto& conditions = out.status.emplace().conditions;
  conditions.push_back(condition("RuntimeReady", engine, "DockerDaemonNotReady"));
  conditions.push_back(condition("NetworkReady", network, "NetworkPluginNotReady"));
  const auto info = co_await parts->deps.engine.info(stop);
  out.runtime_handlers.emplace_back();
  if (info) {
    if (request.verbose) {
      out.info["config"] =
          json::write(json::Object{{"sandboxImage", parts->deps.options.pod_infra_image},
                                   {"cgroupDriver", info->cgroup_driver}});
    }
    for (const std::string& runtime : info->runtimes)
      out.runtime_handlers.emplace_back().name = runtime;
  }
  co_return out;
}

Answer<cri::RuntimeConfigResponse> runtime_config(const Parts* parts, cri::RuntimeConfigRequest,
                                                  async::StopToken stop) {
  KPP_GRPC_ASSIGN(const EngineInfo info, co_await parts->deps.engine.info(stop));
  cri::RuntimeConfigResponse out;
  out.linux.emplace().cgroup_driver =
      info.cgroup_driver == "systemd" ? cri::SYSTEMD : cri::CGROUPFS;
  co_return out;
}

// The pods' range is in the configuration of CNI here.
Answer<cri::UpdateRuntimeConfigResponse> update_runtime_config(const Parts*,
                                                               cri::UpdateRuntimeConfigRequest,
                                                               async::StopToken) {
  co_return cri::UpdateRuntimeConfigResponse();
}

Answer<cri::RunPodSandboxResponse> run_sandbox(const Parts* parts,
                                               cri::RunPodSandboxRequest request,
                                               async::StopToken stop) {
  auto id = co_await parts->sandboxes.run(std::move(request), stop);
  co_return with(std::move(id), &cri::RunPodSandboxResponse::pod_sandbox_id);
}

Answer<cri::StopPodSandboxResponse> stop_sandbox(const Parts* parts,
                                                 cri::StopPodSandboxRequest request,
                                                 async::StopToken stop) {
  const GrpcStatus status = co_await parts->sandboxes.stop(request.pod_sandbox_id, stop);
  co_return done<cri::StopPodSandboxResponse>(status);
}

Answer<cri::RemovePodSandboxResponse> remove_sandbox(const Parts* parts,
                                                     cri::RemovePodSandboxRequest request,
                                                     async::StopToken stop) {
  const GrpcStatus status = co_await parts->sandboxes.remove(request.pod_sandbox_id, stop);
  co_return done<cri::RemovePodSandboxResponse>(status);
}

Answer<cri::PodSandboxStatusResponse> sandbox_status(const Parts* parts,
                                                     cri::PodSandboxStatusRequest request,
                                                     async::StopToken stop) {
  auto found = co_await parts->sandboxes.status(request.pod_sandbox_id, stop);
  co_return with(std::move(found), &cri::PodSandboxStatusResponse::status);
}

Answer<cri::ListPodSandboxResponse> list_sandboxes(const Parts* parts,
                                                   cri::ListPodSandboxRequest request,
                                                   async::StopToken stop) {
  auto found = co_await parts->sandboxes.list(
      request.filter ? std::move(*request.filter) : cri::PodSandboxFilter(), stop);
  co_return with(std::move(found), &cri::ListPodSandboxResponse::items);
}

Answer<cri::CreateContainerResponse> create_container(const Parts* parts,
                                                      cri::CreateContainerRequest request,
                                                      async::StopToken stop) {
  auto id = co_await parts->containers.create(std::move(request), stop);
  co_return with(std::move(id), &cri::CreateContainerResponse::container_id);
}

Answer<cri::StartContainerResponse> start_container(const Parts* parts,
                                                    cri::StartContainerRequest request,
                                                    async::StopToken stop) {
  const GrpcStatus status = co_await parts->containers.start(request.container_id, stop);
  co_return done<cri::StartContainerResponse>(status);
}

Answer<cri::StopContainerResponse> stop_container(const Parts* parts,
                                                  cri::StopContainerRequest request,
                                                  async::StopToken stop) {
  const GrpcStatus status =
      co_await parts->containers.stop(request.container_id, request.timeout, stop);
  co_return done<cri::StopContainerResponse>(status);
}

Answer<cri::RemoveContainerResponse> remove_container(const Parts* parts,
                                                      cri::RemoveContainerRequest request,
                                                      async::StopToken stop) {
  const GrpcStatus status = co_await parts->containers.remove(request.container_id, stop);
  co_return done<cri::RemoveContainerResponse>(status);
}

Answer<cri::ListContainersResponse> list_containers(const Parts* parts,
                                                    cri::ListContainersRequest request,
                                                    async::StopToken stop) {
  auto found = co_await parts->containers.list(
      request.filter ? std::move(*request.filter) : cri::ContainerFilter(), stop);
  co_return with(std::move(found), &cri::ListContainersResponse::containers);
}

Answer<cri::ContainerStatusResponse> container_status_of(const Parts* parts,
                                                         cri::ContainerStatusRequest request,
                                                         async::StopToken stop) {
  auto found = co_await parts->containers.status(request.container_id, stop);
  co_return with(std::move(found), &cri::ContainerStatusResponse::status);
}

Answer<cri::UpdateContainerResourcesResponse> update_container(
    const Parts* parts, cri::UpdateContainerResourcesRequest request, async::StopToken stop) {
  const GrpcStatus status = co_await parts->containers.update(std::move(request), stop);
  co_return done<cri::UpdateContainerResourcesResponse>(status);
}

Answer<cri::ReopenContainerLogResponse> reopen_log(const Parts* parts,
                                                   cri::ReopenContainerLogRequest request,
                                                   async::StopToken stop) {
  const GrpcStatus status = co_await parts->containers.reopen_log(request.container_id, stop);
  co_return done<cri::ReopenContainerLogResponse>(status);
}

Answer<cri::ExecSyncResponse> exec_sync(const Parts* parts, cri::ExecSyncRequest request,
                                        async::StopToken stop) {
  return parts->execs.run(std::move(request), std::move(stop));
}

Answer<cri::ExecResponse> exec(const Parts* parts, cri::ExecRequest request, async::StopToken) {
  co_return with(parts->streams.exec_url(std::move(request)), &cri::ExecResponse::url);
}

Answer<cri::AttachResponse> attach(const Parts* parts, cri::AttachRequest request,
                                   async::StopToken) {
  co_return with(parts->streams.attach_url(std::move(request)), &cri::AttachResponse::url);
}

Answer<cri::PortForwardResponse> port_forward(const Parts* parts, cri::PortForwardRequest request,
                                              async::StopToken) {
  co_return with(parts->streams.port_forward_url(std::move(request)),
                 &cri::PortForwardResponse::url);
}

Answer<cri::ContainerStatsResponse> container_stats(const Parts* parts,
                                                    cri::ContainerStatsRequest request,
                                                    async::StopToken stop) {
  auto found = co_await parts->stats.container(request.container_id, stop);
  co_return with(std::move(found), &cri::ContainerStatsResponse::stats);
}

Answer<cri::ListContainerStatsResponse> list_container_stats(const Parts* parts,
                                                             cri::ListContainerStatsRequest request,
                                                             async::StopToken stop) {
  auto found = co_await parts->stats.containers(
      request.filter ? std::move(*request.filter) : cri::ContainerStatsFilter(), stop);
  co_return with(std::move(found), &cri::ListContainerStatsResponse::stats);
}

Answer<cri::PodSandboxStatsResponse> sandbox_stats(const Parts* parts,
                                                   cri::PodSandboxStatsRequest request,
                                                   async::StopToken stop) {
  auto found = co_await parts->stats.pod(request.pod_sandbox_id, stop);
  co_return with(std::move(found), &cri::PodSandboxStatsResponse::stats);
}

Answer<cri::ListPodSandboxStatsResponse> list_sandbox_stats(const Parts* parts,
                                                            cri::ListPodSandboxStatsRequest request,
                                                            async::StopToken stop) {
  auto found = co_await parts->stats.pods(
      request.filter ? std::move(*request.filter) : cri::PodSandboxStatsFilter(), stop);
  co_return with(std::move(found), &cri::ListPodSandboxStatsResponse::stats);
}

Answer<cri::StreamPodSandboxesResponse> stream_sandboxes(const Parts* parts,
                                                         cri::StreamPodSandboxesRequest request,
                                                         async::StopToken stop) {
  auto found = co_await parts->sandboxes.list(
      request.filter ? std::move(*request.filter) : cri::PodSandboxFilter(), stop);
  co_return with(std::move(found), &cri::StreamPodSandboxesResponse::pod_sandboxes);
}

Answer<cri::StreamContainersResponse> stream_containers(const Parts* parts,
                                                        cri::StreamContainersRequest request,
                                                        async::StopToken stop) {
  auto found = co_await parts->containers.list(
      request.filter ? std::move(*request.filter) : cri::ContainerFilter(), stop);
  co_return with(std::move(found), &cri::StreamContainersResponse::containers);
}

Answer<cri::StreamContainerStatsResponse> stream_container_stats(
    const Parts* parts, cri::StreamContainerStatsRequest request, async::StopToken stop) {
  auto found = co_await parts->stats.containers(
      request.filter ? std::move(*request.filter) : cri::ContainerStatsFilter(), stop);
  co_return with(std::move(found), &cri::StreamContainerStatsResponse::container_stats);
}

Answer<cri::StreamPodSandboxStatsResponse> stream_sandbox_stats(
    const Parts* parts, cri::StreamPodSandboxStatsRequest request, async::StopToken stop) {
  auto found = co_await parts->stats.pods(
      request.filter ? std::move(*request.filter) : cri::PodSandboxStatsFilter(), stop);
  co_return with(std::move(found), &cri::StreamPodSandboxStatsResponse::pod_sandbox_stats);
}

Answer<cri::ListImagesResponse> list_images(const Parts* parts, cri::ListImagesRequest request,
                                            async::StopToken stop) {
  auto found = co_await parts->images.list(
      request.filter ? std::move(*request.filter) : cri::ImageFilter(), stop);
  co_return with(std::move(found), &cri::ListImagesResponse::images);
}

Answer<cri::StreamImagesResponse> stream_images(const Parts* parts,
                                                cri::StreamImagesRequest request,
                                                async::StopToken stop) {
  auto found = co_await parts->images.list(
      request.filter ? std::move(*request.filter) : cri::ImageFilter(), stop);
  co_return with(std::move(found), &cri::StreamImagesResponse::images);
}

Answer<cri::ImageStatusResponse> image_status(const Parts* parts, cri::ImageStatusRequest request,
                                              async::StopToken stop) {
  auto found = co_await parts->images.status(
      request.image ? std::move(*request.image) : cri::ImageSpec(), stop);
  co_return with(std::move(found), &cri::ImageStatusResponse::image);
}

Answer<cri::PullImageResponse> pull_image(const Parts* parts, cri::PullImageRequest request,
                                          async::StopToken stop) {
  auto reference = co_await parts->images.pull(std::move(request), stop);
  co_return with(std::move(reference), &cri::PullImageResponse::image_ref);
}

Answer<cri::RemoveImageResponse> remove_image(const Parts* parts, cri::RemoveImageRequest request,
                                              async::StopToken stop) {
  const GrpcStatus status = co_await parts->images.remove(
      request.image ? std::move(*request.image) : cri::ImageSpec(), stop);
  co_return done<cri::RemoveImageResponse>(status);
}

Answer<cri::ImageFsInfoResponse> image_fs_info(const Parts* parts, cri::ImageFsInfoRequest,
                                               async::StopToken stop) {
  return parts->images.fs_info(std::move(stop));
}

async::Task<GrpcResult<std::string>> unimplemented(std::string why) {
  co_return std::unexpected(GrpcStatus{net::kGrpcUnimplemented, std::move(why)});
}

struct Refused {
  std::string_view method;
  std::string_view why;
};
constexpr Refused kRefused[] = {
    {"CheckpointContainer",
     "docker keeps checkpoints of containers for itself: they cannot be "
     "exported"},
    {"GetContainerEvents", "events of containers are not told; list them"},
    {"ListMetricDescriptors", "metrics are told by PodSandboxStats and ContainerStats alone"},
    {"ListPodSandboxMetrics", "metrics are told by PodSandboxStats and ContainerStats alone"},
    {"StreamPodSandboxMetrics", "metrics are told by PodSandboxStats and ContainerStats alone"},
    {"UpdatePodSandboxResources", "docker does not resize a pod as a whole"},
};

template <class F>
void add_runtime(net::GrpcService& service, std::string_view name, const Parts& parts, F method) {
  add(service, cat(kRuntime, name), parts, method);
}
template <class F>
void add_image(net::GrpcService& service, std::string_view name, const Parts& parts, F method) {
  add(service, cat(kImages, name), parts, method);
}

}  // namespace

void add_runtime_service(net::GrpcService& service, const ShimParts& parts) {
  add_runtime(service, "Version", parts, &version);
  add_runtime(service, "Status", parts, &status);
  add_runtime(service, "RuntimeConfig", parts, &runtime_config);
  add_runtime(service, "UpdateRuntimeConfig", parts, &update_runtime_config);
  add_runtime(service, "RunPodSandbox", parts, &run_sandbox);
  add_runtime(service, "StopPodSandbox", parts, &stop_sandbox);
  add_runtime(service, "RemovePodSandbox", parts, &remove_sandbox);
  add_runtime(service, "PodSandboxStatus", parts, &sandbox_status);
  add_runtime(service, "ListPodSandbox", parts, &list_sandboxes);
  add_runtime(service, "CreateContainer", parts, &create_container);
  add_runtime(service, "StartContainer", parts, &start_container);
  add_runtime(service, "StopContainer", parts, &stop_container);
  add_runtime(service, "RemoveContainer", parts, &remove_container);
  add_runtime(service, "ListContainers", parts, &list_containers);
  add_runtime(service, "ContainerStatus", parts, &container_status_of);
  add_runtime(service, "UpdateContainerResources", parts, &update_container);
  add_runtime(service, "ReopenContainerLog", parts, &reopen_log);
  add_runtime(service, "ExecSync", parts, &exec_sync);
  add_runtime(service, "Exec", parts, &exec);
  add_runtime(service, "Attach", parts, &attach);
  add_runtime(service, "PortForward", parts, &port_forward);
  add_runtime(service, "ContainerStats", parts, &container_stats);
  add_runtime(service, "ListContainerStats", parts, &list_container_stats);
  add_runtime(service, "PodSandboxStats", parts, &sandbox_stats);
  add_runtime(service, "ListPodSandboxStats", parts, &list_sandbox_stats);
  add_list_stream(service, cat(kRuntime, "StreamPodSandboxes"), parts, &stream_sandboxes);
  add_list_stream(service, cat(kRuntime, "StreamContainers"), parts, &stream_containers);
  add_list_stream(service, cat(kRuntime, "StreamContainerStats"), parts, &stream_container_stats);
  add_list_stream(service, cat(kRuntime, "StreamPodSandboxStats"), parts, &stream_sandbox_stats);
  for (const Refused& refused : kRefused) {
    service.add(cat(kRuntime, refused.method), [why = refused.why](std::string, async::StopToken) {
      return unimplemented(std::string(why));
    });
  }
}

void add_image_service(net::GrpcService& service, const ShimParts& parts) {
  add_image(service, "ListImages", parts, &list_images);
  add_image(service, "ImageStatus", parts, &image_status);
  add_image(service, "PullImage", parts, &pull_image);
  add_image(service, "RemoveImage", parts, &remove_image);
  add_image(service, "ImageFsInfo", parts, &image_fs_info);
  add_list_stream(service, cat(kImages, "StreamImages"), parts, &stream_images);
}

}  // namespace kpp::dockershim
