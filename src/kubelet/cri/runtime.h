// The container runtime as the kubelet uses it: CRI v1, typed.
#pragma once

#include <string>
#include <vector>

#include "api/cri.h"  // first: its enumerators carry names that <csignal> defines as macros
#include "async/stop.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/status.h"

namespace kpp::kubelet {

// Guarantees: a call returns the runtime's answer or its error; Status::message() is the
// description alone, without
//   "rpc error: ..." around it (rpc_error_text() adds that). Answers with a missing message are
//   errors.
// Runs on: the executor of the implementation.
// Stop: a stopped call comes back with kCanceled; the runtime may still carry out what was asked.
class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual async::Task<Result<cri::VersionResponse>> version(async::StopToken stop) = 0;
  virtual async::Task<Result<cri::StatusResponse>> status(async::StopToken stop) = 0;
  // "docker": what ids of its containers begin with in the API. Asked for once.
  async::Task<Result<std::string>> name(async::StopToken stop);

  // Answers the sandbox's id.
  virtual async::Task<Result<std::string>> run_sandbox(cri::PodSandboxConfig config,
                                                       std::string handler,
                                                       async::StopToken stop) = 0;
  virtual async::Task<Status> stop_sandbox(std::string id, async::StopToken stop) = 0;
  virtual async::Task<Status> remove_sandbox(std::string id, async::StopToken stop) = 0;
  virtual async::Task<Result<cri::PodSandboxStatus>> sandbox_status(std::string id,
                                                                    async::StopToken stop) = 0;
  virtual async::Task<Result<std::vector<cri::PodSandbox>>> list_sandboxes(
      cri::PodSandboxFilter filter, async::StopToken stop) = 0;

  // Answers the container's id.
  virtual async::Task<Result<std::string>> create_container(std::string sandbox_id,
                                                            cri::ContainerConfig config,
                                                            cri::PodSandboxConfig sandbox_config,
                                                            async::StopToken stop) = 0;
  virtual async::Task<Status> start_container(std::string id, async::StopToken stop) = 0;
  // Asks it to end, and ends it after the grace period.
  virtual async::Task<Status> stop_container(std::string id, std::int64_t grace_seconds,
                                             async::StopToken stop) = 0;
  virtual async::Task<Status> remove_container(std::string id, async::StopToken stop) = 0;
  virtual async::Task<Result<std::vector<cri::Container>>> list_containers(
      cri::ContainerFilter filter, async::StopToken stop) = 0;
  virtual async::Task<Result<cri::ContainerStatus>> container_status(std::string id,
                                                                     async::StopToken stop) = 0;
  virtual async::Task<Status> update_container_resources(
      cri::UpdateContainerResourcesRequest request, async::StopToken stop) = 0;
  virtual async::Task<Status> reopen_container_log(std::string id, async::StopToken stop) = 0;

  // Runs a command in a container. kTimeout if it took longer; zero: no limit.
  virtual async::Task<Result<cri::ExecSyncResponse>> exec_sync(std::string id,
                                                               std::vector<std::string> command,
                                                               std::chrono::seconds timeout,
                                                               async::StopToken stop) = 0;
  // Each answers the URL at which the runtime serves the streams.
  virtual async::Task<Result<std::string>> exec(cri::ExecRequest request,
                                                async::StopToken stop) = 0;
  virtual async::Task<Result<std::string>> attach(cri::AttachRequest request,
                                                  async::StopToken stop) = 0;
  virtual async::Task<Result<std::string>> port_forward(cri::PortForwardRequest request,
                                                        async::StopToken stop) = 0;

  virtual async::Task<Result<std::vector<cri::ContainerStats>>> list_container_stats(
      async::StopToken stop) = 0;

  // Absent if the runtime does not have the image.
  virtual async::Task<Result<api::Opt<cri::Image>>> image_status(cri::ImageSpec image,
                                                                 async::StopToken stop) = 0;
  // Answers the reference of the image.
  virtual async::Task<Result<std::string>> pull_image(cri::PullImageRequest request,
                                                      async::StopToken stop) = 0;
  virtual async::Task<Result<std::vector<cri::Image>>> list_images(async::StopToken stop) = 0;
  virtual async::Task<Status> remove_image(cri::ImageSpec image, async::StopToken stop) = 0;
  virtual async::Task<Result<cri::ImageFsInfoResponse>> image_fs_info(async::StopToken stop) = 0;

 private:
  std::string name_;
};

// "rpc error: code = NotFound desc = ...", as gRPC errors are printed.
std::string rpc_error_text(const Status& error);
// The same, but the description alone where the code is Unknown, as errors of image pulls are
// printed.
std::string pull_error_text(const Status& error);

}  // namespace kpp::kubelet
