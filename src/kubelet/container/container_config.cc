#include "kubelet/container/container_config.h"

#include <array>

#include "api/json_codec.h"
#include "kubelet/container/expansion.h"
#include "kubelet/container/resources.h"
#include "kubelet/runtime_view.h"

namespace kpp::kubelet {
namespace {

cri::KeyValue key_value(const std::string& key, const std::string& value) {
  cri::KeyValue out;
  out.key = key;
  out.value = value;
  return out;
}

std::map<std::string, std::string> annotations_of(const ContainerInput& in) {
  std::map<std::string, std::string> out;
  out[label::kHash] = container_hash(in.container);
  out[label::kRestartCount] = cat(in.restart_count);
  out[label::kTerminationMessagePath] = in.container.termination_message_path;
  out[label::kTerminationMessagePolicy] = in.container.termination_message_policy;
  if (in.pod.spec.termination_grace_period_seconds) {
    out[label::kPodTerminationGrace] = cat(*in.pod.spec.termination_grace_period_seconds);
  }
  if (in.pod.metadata.deletion_grace_period_seconds) {
    out[label::kPodDeletionGrace] = cat(*in.pod.metadata.deletion_grace_period_seconds);
  }
  if (in.container.lifecycle && in.container.lifecycle->pre_stop) {
    out[label::kPreStopHandler] = api::to_json(*in.container.lifecycle->pre_stop);
  }
  if (!in.container.ports.empty()) {
    std::string ports = "[";
    for (const auto& port : in.container.ports) {
      if (ports.size() > 1) ports += ',';
      ports += api::to_json(port);
    }
    out[label::kPorts] = ports + "]";
  }
  return out;
}

std::int32_t signal_number(std::string_view name) {
  static constexpr std::array kNames{
      "SIGABRT", "SIGALRM", "SIGBUS",    "SIGCHLD",  "SIGCLD",  "SIGCONT",   "SIGFPE",
      "SIGHUP",  "SIGILL",  "SIGINT",    "SIGIO",    "SIGIOT",  "SIGKILL",   "SIGPIPE",
      "SIGPOLL", "SIGPROF", "SIGPWR",    "SIGQUIT",  "SIGSEGV", "SIGSTKFLT", "SIGSTOP",
      "SIGSYS",  "SIGTERM", "SIGTRAP",   "SIGTSTP",  "SIGTTIN", "SIGTTOU",   "SIGURG",
      "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ",   "SIGRTMIN"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<std::int32_t>(i + 1);
  }
  constexpr std::int32_t kRtMin = 35;
  constexpr std::int32_t kRtMax = 65;
  if (name.starts_with("SIGRTMIN+")) return kRtMin + std::atoi(std::string(name.substr(9)).c_str());
  if (name.starts_with("SIGRTMAX-")) return kRtMax - std::atoi(std::string(name.substr(9)).c_str());
  if (name == "SIGRTMAX") return kRtMax;
  return 0;
}

}  // namespace

cri::LinuxContainerResources container_resources(const corev1::Pod& pod,
                                                 const corev1::Container& container,
                                                 std::int64_t memory_capacity,
                                                 bool quota_enforced) {
  constexpr std::int64_t kPeriodUs = 100'000;
  cri::LinuxContainerResources out;
  const auto resources = effective_resources(pod, container.resources);
  const std::int64_t request = milli_of(resources.requests, "cpu");
  const std::int64_t limit = milli_of(resources.limits, "cpu");
  const bool has_request = resources.requests.contains("cpu");
  out.cpu_shares = cpu_shares(!has_request && limit != 0 ? limit : request);
  out.cpu_period = kPeriodUs;
  if (quota_enforced) out.cpu_quota = cpu_quota_us(limit);
  out.memory_limit_in_bytes = value_of(resources.limits, "memory");
  out.memory_swap_limit_in_bytes = out.memory_limit_in_bytes;
  out.oom_score_adj = oom_score_adj(pod, container, memory_capacity);
  return out;
}

Result<cri::ContainerConfig> container_config(const ContainerInput& in) {
  const corev1::Container& container = in.container;
  cri::ContainerConfig out;
  auto& meta = out.metadata.emplace();
  meta.name = container.name;
  meta.attempt = static_cast<std::uint32_t>(in.restart_count);
  auto& image = out.image.emplace();
  image.image = in.image_ref;
  image.user_specified_image = container.image;

  const Lookup lookup = [&](const std::string& name) -> std::optional<std::string> {
    for (const auto& [key, value] : in.environment) {
      if (key == name) return value;
    }
    return std::nullopt;
  };
  for (const auto& word : container.command) out.command.push_back(expand(word, lookup));
  for (const auto& word : container.args) out.args.push_back(expand(word, lookup));
  out.working_dir = container.working_dir;
  for (const auto& [key, value] : in.environment) out.envs.push_back(key_value(key, value));
  out.mounts = in.mounts;

  out.labels[label::kContainerName] = container.name;
  out.labels[label::kPodName] = in.pod.metadata.name;
  out.labels[label::kPodNamespace] = in.pod.metadata.namespace_;
  out.labels[label::kPodUid] = in.pod.metadata.uid;
  out.annotations = annotations_of(in);
  out.log_path = cat(container.name, "/", in.restart_count, ".log");
  out.stdin = container.stdin;
  out.stdin_once = container.stdin_once;
  out.tty = container.tty;
  if (container.lifecycle && container.lifecycle->stop_signal) {
    out.stop_signal = signal_number(*container.lifecycle->stop_signal);
  }

  auto& linux = out.linux.emplace();
  linux.resources = container_resources(in.pod, container, in.memory_capacity, in.quota_enforced);
  KPP_ASSIGN(auto security, container_security(in.pod, container, in.image_user,
                                               {.directory = cat(in.options.root_dir, "/seccomp"),
                                                .runtime_default = in.options.seccomp_default}));
  linux.security_context = std::move(security);
  return out;
}

corev1::Container as_container(const corev1::EphemeralContainer& ephemeral) {
  const auto& from = ephemeral.ephemeral_container_common;
  corev1::Container out;
  out.name = from.name;
  out.image = from.image;
  out.command = from.command;
  out.args = from.args;
  out.working_dir = from.working_dir;
  out.env_from = from.env_from;
  out.env = from.env;
  out.volume_mounts = from.volume_mounts;
  out.termination_message_path = from.termination_message_path;
  out.termination_message_policy = from.termination_message_policy;
  out.image_pull_policy = from.image_pull_policy;
  out.security_context = from.security_context;
  out.stdin = from.stdin;
  out.stdin_once = from.stdin_once;
  out.tty = from.tty;
  return out;
}

std::string container_field_path(const corev1::Pod& pod, const std::string& container) {
  for (const auto& c : pod.spec.containers) {
    if (c.name == container) return cat("spec.containers{", container, "}");
  }
  for (const auto& c : pod.spec.init_containers) {
    if (c.name == container) return cat("spec.initContainers{", container, "}");
  }
  for (const auto& c : pod.spec.ephemeral_containers) {
    if (c.ephemeral_container_common.name == container)
      return cat("spec.ephemeralContainers{", container, "}");
  }
  return {};
}

}  // namespace kpp::kubelet
