#include "kubelet/node/node_object.h"

#include <algorithm>

#include "api/json_codec.h"

namespace kpp::kubelet {
namespace {

void set_condition(std::vector<corev1::NodeCondition>& list, std::string_view type,
                   std::string_view status, std::string_view reason, std::string message,
                   WallTime now) {
  auto it = std::ranges::find(list, type, &corev1::NodeCondition::type);
  if (it == list.end()) {
    it = list.insert(list.end(), corev1::NodeCondition());
    it->type = std::string(type);
  }
  if (it->status != status) it->last_transition_time = api::Time::from(now);
  it->status = std::string(status);
  it->reason = std::string(reason);
  it->message = std::move(message);
  it->last_heartbeat_time = api::Time::from(now);
}

void set_addresses(corev1::NodeStatus& status, const KubeletOptions& options) {
  status.addresses.clear();
  const auto add = [&](std::string_view type, const std::string& address) {
    if (address.empty()) return;
    corev1::NodeAddress entry;
    entry.type = std::string(type);
    entry.address = address;
    status.addresses.push_back(std::move(entry));
  };
  add("InternalIP", options.node_ip);
  add("Hostname", options.node_name);
}

void set_images(corev1::NodeStatus& status, std::vector<cri::Image> images, std::int32_t most) {
  std::ranges::sort(images, [](const auto& a, const auto& b) {
    return a.size != b.size ? a.size > b.size : a.id < b.id;
  });
  status.images.clear();
  for (const auto& image : images) {
    if (most >= 0 && std::cmp_equal(status.images.size(), most)) break;
    corev1::ContainerImage entry;
    entry.names = image.repo_digests;
    entry.names.insert(entry.names.end(), image.repo_tags.begin(), image.repo_tags.end());
    if (entry.names.empty()) continue;
    entry.size_bytes = static_cast<std::int64_t>(image.size);
    status.images.push_back(std::move(entry));
  }
}

}  // namespace

std::string runtime_not_ready(const cri::RuntimeStatus& status) {
  std::vector<std::string> problems;
  for (const std::string_view type : {"RuntimeReady", "NetworkReady"}) {
    const auto it = std::ranges::find(status.conditions, type, &cri::RuntimeCondition::type);
    const std::string_view what = type == "RuntimeReady" ? "container runtime not ready"
                                                         : "container runtime network not ready";
    if (it == status.conditions.end()) {
      problems.push_back(cat(what, ": condition ", type, " is missing"));
    } else if (!it->status) {
      problems.push_back(
          cat(what, ": ", type, "=false reason:", it->reason, " message:", it->message));
    }
  }
  if (problems.size() == 1) return problems.front();
  return problems.empty() ? std::string() : cat("[", join(problems, ", "), "]");
}

void take_features(const cri::StatusResponse& status, RuntimeHealth& health) {
  for (const auto& handler : status.runtime_handlers) {
    corev1::NodeRuntimeHandler out;
    out.name = handler.name;
    if (handler.features) {
      auto& features = out.features.emplace();
      features.recursive_read_only_mounts = handler.features->recursive_read_only_mounts;
      features.user_namespaces = handler.features->user_namespaces;
    }
    health.handlers.push_back(std::move(out));
  }
  std::ranges::sort(health.handlers, {}, &corev1::NodeRuntimeHandler::name);
  if (status.features) {
    health.features.emplace().supplemental_groups_policy =
        status.features->supplemental_groups_policy;
  }
}

corev1::Node new_node(const Machine& machine, const KubeletOptions& options) {
  corev1::Node out;
  out.metadata.name = options.node_name;
  auto& labels = out.metadata.labels;
  labels = options.node_labels;
  labels["beta.kubernetes.io/arch"] = machine.architecture;
  labels["beta.kubernetes.io/os"] = "linux";
  labels["kubernetes.io/arch"] = machine.architecture;
  labels["kubernetes.io/hostname"] = options.node_name;
  labels["kubernetes.io/os"] = "linux";
  for (const NodeTaint& given : options.register_with_taints) {
    corev1::Taint taint;
    taint.key = given.key;
    taint.value = given.value;
    taint.effect = given.effect;
    out.spec.taints.push_back(std::move(taint));
  }
  out.spec.provider_id = options.provider_id;
  out.metadata.annotations["volumes.kubernetes.io/controller-managed-attach-detach"] = "true";
  return out;
}

void fill_status(corev1::NodeStatus& status, const Machine& machine, const KubeletOptions& options,
                 const RuntimeHealth& runtime, WallTime now) {
  NodeResources resources = node_resources(machine, options);
  // Resources of a domain of its own are advertised by whoever writes them into the capacity.
  for (const auto& [name, amount] : status.capacity) {
    if (name.find('/') == std::string::npos) continue;
    resources.capacity.emplace(name, amount);
    resources.allocatable.emplace(name, amount);
  }
  status.capacity = std::move(resources.capacity);
  status.allocatable = std::move(resources.allocatable);
  set_addresses(status, options);
  status.daemon_endpoints.kubelet_endpoint.port = options.port;

  auto& info = status.node_info;
  info.machine_id = machine.machine_id;
  info.system_uuid = machine.system_uuid;
  info.boot_id = machine.boot_id;
  info.kernel_version = machine.kernel_version;
  info.os_image = machine.os_image;
  info.container_runtime_version = runtime.version;
  info.kubelet_version = std::string(kKubeletVersion);
  info.operating_system = "linux";
  info.architecture = machine.architecture;
  if (machine.swap_bytes > 0) info.swap.emplace().capacity = machine.swap_bytes;
  if (runtime.answers) {
    status.runtime_handlers = runtime.handlers;
    status.features.reset();
    if (runtime.features) status.features = *runtime.features;
  }
  if (runtime.answers) set_images(status, runtime.images, options.status_max_images);

  auto& conditions = status.conditions;
  set_condition(conditions, "MemoryPressure", "False", "KubeletHasSufficientMemory",
                "kubelet has sufficient memory available", now);
  set_condition(conditions, "DiskPressure", "False", "KubeletHasNoDiskPressure",
                "kubelet has no disk pressure", now);
  set_condition(conditions, "PIDPressure", "False", "KubeletHasSufficientPID",
                "kubelet has sufficient PID available", now);
  const std::string why = runtime.answers ? runtime.not_ready : "container runtime is down";
  if (why.empty()) {
    set_condition(conditions, "Ready", "True", "KubeletReady", "kubelet is posting ready status",
                  now);
  } else {
    set_condition(conditions, "Ready", "False", "KubeletNotReady", why, now);
  }
}

bool same_status(corev1::NodeStatus a, corev1::NodeStatus b) {
  for (auto* status : {&a, &b}) {
    for (auto& c : status->conditions) c.last_heartbeat_time = api::Time();
  }
  return api::equal(a, b);
}

bool is_ready(const corev1::NodeStatus& status) {
  const auto it = std::ranges::find(status.conditions, "Ready", &corev1::NodeCondition::type);
  return it != status.conditions.end() && it->status == "True";
}

}  // namespace kpp::kubelet
