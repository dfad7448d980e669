// A container runtime in memory, on virtual time.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "async/executor.h"
#include "async/wait.h"
#include "kubelet/cri/runtime.h"

namespace kpp::kubelet::testing {

// Containers run until they are stopped or their program says otherwise. Calls answer at once,
// except stop_container(), which takes as long as the container needs to end. Runs on: its executor
// only.
class FakeRuntime final : public Runtime {
 public:
  // What a container does: ends by itself after some time, ends some time after SIGTERM.
  struct Program {
    std::optional<Duration> ends_after;
    std::int32_t exit_code = 0;
    Duration term_delay{0};  // longer than the grace period: SIGKILL, exit code 137
    std::int32_t term_exit_code = 0;
    std::string start_error;  // start_container() fails with this
  };

  explicit FakeRuntime(async::Executor& executor) : executor_(executor) {}

  // For the test. By container name.
  std::map<std::string, Program> programs;
  std::set<std::string> images{"busybox:1"};  // present
  std::map<std::string, Status> pull_errors;  // by image; others can be pulled
  std::function<cri::ExecSyncResponse(const std::string& container,
                                      const std::vector<std::string>& command)>
      on_exec;
  std::vector<std::string> calls;  // "start c", "stop c 30", "run_sandbox p", ...

  const cri::ContainerStatus* newest(const std::string& name) const;
  int running() const;
  void exit(const std::string& name, std::int32_t code);  // ends the newest of that name
  std::size_t containers() const { return containers_.size(); }
  std::size_t sandboxes() const { return sandboxes_.size(); }

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
  struct Held {
    cri::ContainerStatus status;
    std::string sandbox;
  };
  std::int64_t now() { return executor_.wall().time_since_epoch().count() + ++ticks_; }
  void end(const std::string& id, std::int32_t code);
  static std::string name_of(const Held& held);

  async::Executor& executor_;
  std::map<std::string, cri::PodSandboxStatus> sandboxes_;
  std::map<std::string, Held> containers_;
  int next_ = 1;
  std::int64_t ticks_ = 0;  // keeps creation times apart
};

}  // namespace kpp::kubelet::testing
