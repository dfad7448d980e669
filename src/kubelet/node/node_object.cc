#include "kubelet/node/node_object.h"

#include <algorithm>

#include "api/json_codec.h"

namespace kpp::kubelet {
namespace {

constexpr std::int64_t kMemoryReserve = 100 << 20;  // the hard eviction threshold

api::Quantity kib(std::int64_t bytes) { return api::Quantity(cat(bytes / 1024, "Ki")); }

std::string hugepage_name(std::int64_t size_kib) {
  if (size_kib % (1024 * 1024) == 0) return cat("hugepages-", size_kib / (1024 * 1024), "Gi");
  if (size_kib % 1024 == 0) return cat("hugepages-", size_kib / 1024, "Mi");
  return cat("hugepages-", size_kib, "Ki");
}

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

NodeResources node_resources(const Machine& machine, const KubeletOptions& options) {
  NodeResources out;
  auto& capacity = out.capacity;
  capacity["cpu"] = api::Quantity(cat(machine.cpus));
  capacity["memory"] = kib(machine.memory_bytes);
  capacity["ephemeral-storage"] = kib(machine.disk_bytes);
  capacity["pods"] = api::Quantity(cat(options.max_pods));
  std::int64_t in_hugepages = 0;
  for (const auto& pages : machine.hugepages) {
    const std::int64_t bytes = pages.size_kib * pages.count * 1024;
    in_hugepages += bytes;
    capacity[hugepage_name(pages.size_kib)] = bytes == 0 ? api::Quantity("0") : kib(bytes);
  }
  out.allocatable = capacity;
  out.allocatable["memory"] =
      kib(std::max<std::int64_t>(machine.memory_bytes - kMemoryReserve - in_hugepages, 0));
  out.allocatable["ephemeral-storage"] = api::Quantity(cat(machine.disk_bytes / 10 * 9));
  return out;
}

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
