#include "kubelet/cri/testing/fake_runtime.h"

#include <algorithm>

namespace kpp::kubelet::testing {
namespace {

bool selected(const std::map<std::string, std::string>& labels,
              const std::map<std::string, std::string>& selector) {
  return std::ranges::all_of(selector, [&](const auto& want) {
    const auto it = labels.find(want.first);
    return it != labels.end() && it->second == want.second;
  });
}

Status not_found(std::string_view what) { return {Reason::kNotFound, cat(what, ": not found")}; }

}  // namespace

std::string FakeRuntime::name_of(const Held& held) { return held.status.metadata->name; }

const cri::ContainerStatus* FakeRuntime::newest(const std::string& name) const {
  const cri::ContainerStatus* out = nullptr;
  for (const auto& [id, held] : containers_) {
    if (name_of(held) == name && (out == nullptr || out->created_at < held.status.created_at))
      out = &held.status;
  }
  return out;
}

int FakeRuntime::running() const {
  return static_cast<int>(std::ranges::count_if(containers_, [](const auto& item) {
    return item.second.status.state == cri::CONTAINER_RUNNING;
  }));
}

void FakeRuntime::end(const std::string& id, std::int32_t code) {
  const auto it = containers_.find(id);
  if (it == containers_.end() || it->second.status.state != cri::CONTAINER_RUNNING) return;
  auto& status = it->second.status;
  status.state = cri::CONTAINER_EXITED;
  status.exit_code = code;
  status.reason = code == 0 ? "Completed" : "Error";
  status.finished_at = now();
}

void FakeRuntime::exit(const std::string& name, std::int32_t code) {
  if (const auto* status = newest(name)) end(std::string(status->id), code);
}

async::Task<Result<cri::VersionResponse>> FakeRuntime::version(async::StopToken) {
  cri::VersionResponse out;
  out.runtime_name = "fake";
  out.runtime_version = "1.0";
  co_return out;
}

async::Task<Result<cri::StatusResponse>> FakeRuntime::status(async::StopToken) {
  cri::StatusResponse out;
  auto& conditions = out.status.emplace().conditions;
  for (const char* type : {"RuntimeReady", "NetworkReady"}) {
    conditions.emplace_back();
    conditions.back().type = type;
    conditions.back().status = true;
  }
  co_return out;
}

async::Task<Result<std::string>> FakeRuntime::run_sandbox(cri::PodSandboxConfig config, std::string,
                                                          async::StopToken) {
  calls.push_back(cat("run_sandbox ", config.metadata->name));
  cri::PodSandboxStatus status;
  status.id = cat("sandbox-", next_++);
  status.metadata = *config.metadata;
  status.state = cri::SANDBOX_READY;
  status.created_at = now();
  status.labels = config.labels;
  status.network.emplace().ip = cat("10.0.0.", next_);
  status.linux.emplace().namespaces.emplace().options.emplace() =
      *config.linux->security_context->namespace_options;
  const std::string id = status.id;
  sandboxes_[id] = std::move(status);
  co_return id;
}

async::Task<Status> FakeRuntime::stop_sandbox(std::string id, async::StopToken) {
  const auto it = sandboxes_.find(id);
  if (it == sandboxes_.end()) co_return Status();
  calls.push_back(cat("stop_sandbox ", it->second.metadata->name));
  it->second.state = cri::SANDBOX_NOTREADY;
  for (auto& [container, held] : containers_) {
    if (held.sandbox == id) end(container, 137);
  }
  co_return Status();
}

async::Task<Status> FakeRuntime::remove_sandbox(std::string id, async::StopToken) {
  sandboxes_.erase(id);
  std::erase_if(containers_, [&](const auto& item) { return item.second.sandbox == id; });
  co_return Status();
}

async::Task<Result<cri::PodSandboxStatus>> FakeRuntime::sandbox_status(std::string id,
                                                                       async::StopToken) {
  const auto it = sandboxes_.find(id);
  if (it == sandboxes_.end()) co_return fail(not_found(id));
  co_return it->second;
}

async::Task<Result<std::vector<cri::PodSandbox>>> FakeRuntime::list_sandboxes(
    cri::PodSandboxFilter filter, async::StopToken) {
  std::vector<cri::PodSandbox> out;
  for (const auto& [id, status] : sandboxes_) {
    if (!selected(status.labels, filter.label_selector)) continue;
    if (filter.state && filter.state->state != status.state) continue;
    cri::PodSandbox entry;
    entry.id = id;
    entry.metadata = *status.metadata;
    entry.state = status.state;
    entry.created_at = status.created_at;
    entry.labels = status.labels;
    out.push_back(std::move(entry));
  }
  co_return out;
}

async::Task<Result<std::string>> FakeRuntime::create_container(std::string sandbox_id,
                                                               cri::ContainerConfig config,
                                                               cri::PodSandboxConfig,
                                                               async::StopToken) {
  if (!sandboxes_.contains(sandbox_id)) co_return fail(not_found(sandbox_id));
  Held held;
  held.sandbox = sandbox_id;
  held.status.id = cat("container-", next_++);
  held.status.metadata = *config.metadata;
  held.status.state = cri::CONTAINER_CREATED;
  held.status.created_at = now();
  held.status.image = *config.image;
  held.status.image_ref = "sha256:1";
  held.status.labels = config.labels;
  held.status.annotations = config.annotations;
  held.status.mounts = config.mounts;
  const std::string id = held.status.id;
  calls.push_back(cat("create ", config.metadata->name));
  containers_[id] = std::move(held);
  co_return id;
}

async::Task<Status> FakeRuntime::start_container(std::string id, async::StopToken) {
  const auto it = containers_.find(id);
  if (it == containers_.end()) co_return not_found(id);
  auto& status = it->second.status;
  const std::string name = name_of(it->second);
  calls.push_back(cat("start ", name));
  const Program program = programs[name];
  status.started_at = now();
  status.state = cri::CONTAINER_RUNNING;
  if (!program.start_error.empty()) {
    end(id, 128);
    status.reason = "StartError";
    status.message = program.start_error;
    co_return Status(Reason::kUnknown, program.start_error);
  }
  if (program.ends_after) {
    executor_.call_at(executor_.steady() + *program.ends_after,
                      [this, id, code = program.exit_code] { end(id, code); });
  }
  co_return Status();
}

async::Task<Status> FakeRuntime::stop_container(std::string id, std::int64_t grace_seconds,
                                                async::StopToken stop) {
  const auto it = containers_.find(id);
  if (it == containers_.end()) co_return Status();
  const std::string name = name_of(it->second);
  calls.push_back(cat("stop ", name, " ", grace_seconds));
  const Program program = programs[name];
  const Duration grace = std::chrono::seconds(grace_seconds);
  const Duration wait = std::min(program.term_delay, grace);
  if (wait.count() > 0) {
    const bool slept = co_await async::sleep_for(executor_, wait, stop);
    if (!slept) co_return Status(Reason::kCanceled, "context canceled");
  }
  end(id, program.term_delay > grace ? 137 : program.term_exit_code);
  co_return Status();
}

async::Task<Status> FakeRuntime::remove_container(std::string id, async::StopToken) {
  containers_.erase(id);
  co_return Status();
}

async::Task<Result<std::vector<cri::Container>>> FakeRuntime::list_containers(
    cri::ContainerFilter filter, async::StopToken) {
  std::vector<cri::Container> out;
  for (const auto& [id, held] : containers_) {
    if (!selected(held.status.labels, filter.label_selector)) continue;
    cri::Container entry;
    entry.id = id;
    entry.pod_sandbox_id = held.sandbox;
    entry.metadata = *held.status.metadata;
    entry.state = held.status.state;
    entry.image_ref = held.status.image_ref;
    entry.created_at = held.status.created_at;
    entry.labels = held.status.labels;
    entry.annotations = held.status.annotations;
    out.push_back(std::move(entry));
  }
  co_return out;
}

async::Task<Result<cri::ContainerStatus>> FakeRuntime::container_status(std::string id,
                                                                        async::StopToken) {
  const auto it = containers_.find(id);
  if (it == containers_.end()) co_return fail(not_found(id));
  co_return it->second.status;
}

async::Task<Status> FakeRuntime::update_container_resources(cri::UpdateContainerResourcesRequest,
                                                            async::StopToken) {
  co_return Status();
}

async::Task<Status> FakeRuntime::reopen_container_log(std::string, async::StopToken) {
  co_return Status();
}

async::Task<Result<cri::ExecSyncResponse>> FakeRuntime::exec_sync(std::string id,
                                                                  std::vector<std::string> command,
                                                                  std::chrono::seconds,
                                                                  async::StopToken) {
  const auto it = containers_.find(id);
  if (it == containers_.end()) co_return fail(not_found(id));
  if (on_exec) co_return on_exec(name_of(it->second), command);
  co_return cri::ExecSyncResponse();
}

async::Task<Result<std::string>> FakeRuntime::exec(cri::ExecRequest request, async::StopToken) {
  co_return cat("http://127.0.0.1:1/exec/", request.container_id);
}

async::Task<Result<std::string>> FakeRuntime::attach(cri::AttachRequest request, async::StopToken) {
  co_return cat("http://127.0.0.1:1/attach/", request.container_id);
}

async::Task<Result<std::string>> FakeRuntime::port_forward(cri::PortForwardRequest request,
                                                           async::StopToken) {
  co_return cat("http://127.0.0.1:1/portforward/", request.pod_sandbox_id);
}

async::Task<Result<std::vector<cri::ContainerStats>>> FakeRuntime::list_container_stats(
    async::StopToken) {
  co_return std::vector<cri::ContainerStats>();
}

async::Task<Result<api::Opt<cri::Image>>> FakeRuntime::image_status(cri::ImageSpec image,
                                                                    async::StopToken) {
  api::Opt<cri::Image> out;
  if (images.contains(image.image)) {
    auto& found = out.emplace();
    found.id = "sha256:1";
    found.size = 1000;
    found.repo_tags.push_back(image.image);
  }
  co_return out;
}

async::Task<Result<std::string>> FakeRuntime::pull_image(cri::PullImageRequest request,
                                                         async::StopToken) {
  const std::string& name = request.image->image;
  calls.push_back(cat("pull ", name));
  if (const auto it = pull_errors.find(name); it != pull_errors.end()) co_return fail(it->second);
  images.insert(name);
  co_return std::string("sha256:1");
}

async::Task<Result<std::vector<cri::Image>>> FakeRuntime::list_images(async::StopToken) {
  std::vector<cri::Image> out;
  for (const auto& name : images) {
    out.emplace_back();
    out.back().repo_tags.push_back(name);
  }
  co_return out;
}

async::Task<Status> FakeRuntime::remove_image(cri::ImageSpec image, async::StopToken) {
  images.erase(image.image);
  co_return Status();
}

async::Task<Result<cri::ImageFsInfoResponse>> FakeRuntime::image_fs_info(async::StopToken) {
  co_return cri::ImageFsInfoResponse();
}

}  // namespace kpp::kubelet::testing
