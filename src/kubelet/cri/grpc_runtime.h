// A container runtime behind a socket: CRI v1 over gRPC.
#pragma once

#include <memory>

#include "async/executor.h"
#include "kubelet/cri/runtime.h"

namespace kpp::kubelet {

// Stop: close() before destruction; calls at hand come back with errors.
class GrpcRuntime final : public Runtime {
 public:
  // endpoint: unix:///path or a path.
  GrpcRuntime(async::IoExecutor& executor, const std::string& endpoint);
  ~GrpcRuntime() override;
  async::Task<void> close();

  async::Task<Result<cri::VersionResponse>> version(async::StopToken stop) override;
  async::Task<Result<cri::StatusResponse>> status(async::StopToken stop) override;
  async::Task<Result<std::string>> run_sandbox(cri::PodSandboxConfig config, std::string handler,
                                               async::StopToken stop) override;
  async::Task<Status> stop_sandbox(std::string id, async::StopToken stop) override;
  async::Task<Status> remove_sandbox(std::string id, async::StopToken stop) override;
  async::Task<Result<cri::PodSandboxStatus>> sandbox_status(std::string id,
                                                            async::StopToken stop) override;
  async::Task<Result<std::vector<cri::PodSandbox>>> list_sandboxes(cri::PodSandboxFilter filter,
                                                                   async::StopToken stop) override;
  async::Task<Result<std::string>> create_container(std::string sandbox_id,
                                                    cri::ContainerConfig config,
                                                    cri::PodSandboxConfig sandbox_config,
                                                    async::StopToken stop) override;
  async::Task<Status> start_container(std::string id, async::StopToken stop) override;
  async::Task<Status> stop_container(std::string id, std::int64_t grace_seconds,
                                     async::StopToken stop) override;
  async::Task<Status> remove_container(std::string id, async::StopToken stop) override;
  async::Task<Result<std::vector<cri::Container>>> list_containers(cri::ContainerFilter filter,
                                                                   async::StopToken stop) override;
  async::Task<Result<cri::ContainerStatus>> container_status(std::string id,
                                                             async::StopToken stop) override;
  async::Task<Status> update_container_resources(cri::UpdateContainerResourcesRequest request,
                                                 async::StopToken stop) override;
  async::Task<Status> reopen_container_log(std::string id, async::StopToken stop) override;
  async::Task<Result<cri::ExecSyncResponse>> exec_sync(std::string id,
                                                       std::vector<std::string> command,
                                                       std::chrono::seconds timeout,
                                                       async::StopToken stop) override;
  async::Task<Result<std::string>> exec(cri::ExecRequest request, async::StopToken stop) override;
  async::Task<Result<std::string>> attach(cri::AttachRequest request,
                                          async::StopToken stop) override;
  async::Task<Result<std::string>> port_forward(cri::PortForwardRequest request,
                                                async::StopToken stop) override;
  async::Task<Result<std::vector<cri::ContainerStats>>> list_container_stats(
      async::StopToken stop) override;
  async::Task<Result<api::Opt<cri::Image>>> image_status(cri::ImageSpec image,
                                                         async::StopToken stop) override;
  async::Task<Result<std::string>> pull_image(cri::PullImageRequest request,
                                              async::StopToken stop) override;
  async::Task<Result<std::vector<cri::Image>>> list_images(async::StopToken stop) override;
  async::Task<Status> remove_image(cri::ImageSpec image, async::StopToken stop) override;
  async::Task<Result<cri::ImageFsInfoResponse>> image_fs_info(async::StopToken stop) override;

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace kpp::kubelet
