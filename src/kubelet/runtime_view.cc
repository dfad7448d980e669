#include "kubelet/runtime_view.h"

#include <algorithm>
#include <charconv>

#include "async/wait.h"
#include "codec/json.h"
#include "kubelet/termination_message.h"

namespace kpp::kubelet {
namespace {

std::string value_of(const std::map<std::string, std::string>& map, const char* key) {
  const auto it = map.find(key);
  return it == map.end() ? std::string() : it->second;
}

std::int32_t number_of(const std::string& text) {
  std::int32_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

SandboxRecord sandbox_record(const cri::PodSandboxStatus& status) {
  SandboxRecord out;
  out.id = status.id;
  out.ready = status.state == cri::SANDBOX_READY;
  out.created_at = status.created_at;
  if (status.metadata) out.attempt = status.metadata->attempt;
  if (status.linux && status.linux->namespaces && status.linux->namespaces->options) {
    out.host_network = status.linux->namespaces->options->network == cri::NODE;
  }
  if (status.network) {
    if (!status.network->ip.empty()) out.ips.push_back(status.network->ip);
    for (const auto& ip : status.network->additional_ips) out.ips.push_back(ip.ip);
  }
  return out;
}

ContainerRecord container_record(const cri::ContainerStatus& status) {
  ContainerRecord out;
  out.id = status.id;
  out.name = value_of(status.labels, label::kContainerName);
  if (out.name.empty() && status.metadata) out.name = status.metadata->name;
  out.state = static_cast<cri::ContainerState>(status.state);
  out.created_at = status.created_at;
  out.started_at = status.started_at;
  out.finished_at = status.finished_at;
  out.exit_code = status.exit_code;
  if (status.image) out.image = status.image->image;
  out.image_id = status.image_ref;
  out.hash = value_of(status.annotations, label::kHash);
  out.restart_count = number_of(value_of(status.annotations, label::kRestartCount));
  out.reason = status.reason;
  out.message = status.message;
  out.log_path = status.log_path;
  return out;
}

// Where the termination message of an ended container is found on the node.
TerminationSource termination_source(const cri::ContainerStatus& status) {
  TerminationSource out;
  const std::string path = value_of(status.annotations, label::kTerminationMessagePath);
  for (const auto& mount : status.mounts) {
    if (!path.empty() && mount.container_path == path) out.file = mount.host_path;
  }
  out.fall_back_to_log =
      value_of(status.annotations, label::kTerminationMessagePolicy) == "FallbackToLogsOnError" &&
      status.exit_code != 0 && status.reason != "ContainerCannotRun";
  out.log = status.log_path;
  return out;
}

}  // namespace

const ContainerRecord* PodRuntime::find(std::string_view name) const {
  for (const auto& c : containers) {
    if (c.name == name) return &c;
  }
  return nullptr;
}

const ContainerRecord* PodRuntime::by_id(std::string_view id) const {
  for (const auto& c : containers) {
    if (c.id == id) return &c;
  }
  return nullptr;
}

bool PodRuntime::any_running() const {
  return std::ranges::any_of(containers,
                             [](const auto& c) { return c.state == cri::CONTAINER_RUNNING; });
}

const SandboxRecord* PodRuntime::ready_sandbox() const {
  return sandboxes.empty() || !sandboxes.front().ready ? nullptr : &sandboxes.front();
}

async::Task<Result<PodRuntime>> read_pod_runtime(Runtime& runtime, async::Executor& executor,
                                                 async::ThreadPool& pool, std::string uid,
                                                 async::StopToken stop) {
  PodRuntime out;
  KPP_CO_ASSIGN(out.runtime_name, co_await runtime.name(stop));
  cri::PodSandboxFilter sandbox_filter;
  sandbox_filter.label_selector[label::kPodUid] = uid;
  auto sandboxes = co_await runtime.list_sandboxes(std::move(sandbox_filter), stop);
  if (!sandboxes) co_return std::unexpected(std::move(sandboxes).error());
  for (const auto& sandbox : *sandboxes) {
    auto status = co_await runtime.sandbox_status(sandbox.id, stop);
    if (!status) {
      if (status.error().is(Reason::kNotFound)) continue;
      co_return std::unexpected(std::move(status).error());
    }
    out.sandboxes.push_back(sandbox_record(*status));
  }
  cri::ContainerFilter filter;
  filter.label_selector[label::kPodUid] = uid;
  auto containers = co_await runtime.list_containers(std::move(filter), stop);
  if (!containers) co_return std::unexpected(std::move(containers).error());
  for (const auto& container : *containers) {
    auto status = co_await runtime.container_status(container.id, stop);
    if (!status) {
      if (status.error().is(Reason::kNotFound)) continue;
      co_return std::unexpected(std::move(status).error());
    }
    ContainerRecord record = container_record(*status);
    if (record.image_id.empty()) record.image_id = container.image_ref;
    if (record.state == cri::CONTAINER_EXITED) {
      TerminationSource source = termination_source(*status);
      if (!source.file.empty() || source.fall_back_to_log) {
        std::string said = co_await async::offload(executor, pool, [source = std::move(source)] {
          return read_termination_message(source);
        });
        if (!said.empty())
          record.message = record.message.empty() ? said : cat(record.message, ": ", said);
      }
    }
    out.containers.push_back(std::move(record));
  }
  const auto newer = [](const auto& a, const auto& b) {
    return a.created_at != b.created_at ? a.created_at > b.created_at : a.id > b.id;
  };
  std::ranges::sort(out.sandboxes, newer);
  std::ranges::sort(out.containers, newer);
  co_return out;
}

std::string container_hash(const corev1::Container& container) {
  std::string document = "{\"image\":";
  json::write_string(document, container.image);
  document += ",\"name\":";
  json::write_string(document, container.name);
  document += '}';
  // The original hashes the printed form of the bytes, not the bytes.
  std::string printed = "([]uint8)[";
  for (std::size_t i = 0; i < document.size(); ++i) {
    if (i != 0) printed += ' ';
    printed += std::to_string(static_cast<unsigned char>(document[i]));
  }
  printed += ']';
  std::uint32_t hash = 2166136261u;
  for (const char c : printed) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  char text[9];
  const auto end = std::to_chars(text, text + sizeof text, hash, 16).ptr;
  return std::string(text, end);
}

}  // namespace kpp::kubelet
