#include "kubelet/status/pod_status.h"

#include <algorithm>

#include "kubelet/container/container_config.h"
#include "kubelet/container/resources.h"

namespace kpp::kubelet {
namespace {

void set_addresses(const StatusInput& in, corev1::PodStatus& status) {
  for (const auto& ip : in.host_ips) {
    corev1::HostIP host;
    host.ip = ip;
    status.host_ips.push_back(std::move(host));
  }
  if (!in.host_ips.empty()) status.host_ip = in.host_ips.front();

  std::vector<std::string> ips;
  if (in.pod.spec.host_network) {
    ips = in.host_ips;
  } else if (const auto* sandbox = in.runtime.ready_sandbox()) {
    ips = sandbox->ips;
  } else {
    for (const auto& ip : in.previous.pod_ips) ips.push_back(ip.ip);
  }
  for (const auto& ip : ips) {
    corev1::PodIP pod_ip;
    pod_ip.ip = ip;
    status.pod_ips.push_back(std::move(pod_ip));
  }
  if (!ips.empty()) status.pod_ip = ips.front();
}

// The granted sums; and what the containers were really given.
void set_pod_resources(const StatusInput& in, corev1::PodStatus& status) {
  Allocations::Resources given;
  for (const auto& [name, granted] : resources_of(in.pod)) {
    const auto* recorded = in.allocations.actuated(in.pod.metadata.uid, name);
    given[name] = recorded ? *recorded : granted;
  }
  status.allocated_resources = pod_resources(in.pod).requests;
  PodResources total = pod_resources(with_resources(in.pod, given));
  const auto keep = [](ResourceList& list) {
    std::erase_if(list,
                  [](const auto& item) { return item.first != "cpu" && item.first != "memory"; });
  };
  keep(total.requests);
  keep(total.limits);
  // No group tells what memory was asked for: it stays what was said first.
  if (in.previous.resources && total.requests.contains("memory")) {
    const auto before = in.previous.resources->requests.find("memory");
    if (before != in.previous.resources->requests.end()) total.requests["memory"] = before->second;
  }
  auto& shown = status.resources.emplace();
  shown.requests = std::move(total.requests);
  shown.limits = std::move(total.limits);
}

bool ended_well(const corev1::ContainerState& state) {
  return state.terminated && state.terminated->exit_code == 0;
}

// Whether the regular containers' turn had come.
bool pod_initialized(const corev1::Pod& pod, const corev1::PodStatus& status) {
  if (pod.spec.init_containers.empty()) return true;
  for (const auto& s : status.container_statuses) {
    if (s.last_state.terminated || !s.state.waiting) return true;
  }
  if (status.init_container_statuses.empty()) return false;
  const auto& last = status.init_container_statuses.back();
  if (is_restartable_init(pod.spec.init_containers.back()))
    return last.state.running && last.started.value_or(false);
  return ended_well(last.state) || ended_well(last.last_state);
}

}  // namespace

corev1::PodStatus make_pod_status(const StatusInput& in) {
  corev1::PodStatus out;
  out.observed_generation = in.pod.metadata.generation;
  out.qos_class = std::string(qos_text(qos_class(in.pod)));
  out.nominated_node_name = in.pod.status.nominated_node_name;
  out.start_time =
      in.previous.start_time ? in.previous.start_time : std::optional(api::Time::from(in.now));
  out.init_container_statuses = container_statuses(in, in.pod.spec.init_containers,
                                                   in.previous.init_container_statuses, true);
  out.container_statuses =
      container_statuses(in, in.pod.spec.containers, in.previous.container_statuses, false);
  std::vector<corev1::Container> ephemeral;
  for (const auto& c : in.pod.spec.ephemeral_containers) ephemeral.push_back(as_container(c));
  // A debugging container is never ready and never started again; its list is sorted like the
  // others.
  out.ephemeral_container_statuses =
      container_statuses(in, ephemeral, in.previous.ephemeral_container_statuses, false);
  for (auto& status : out.ephemeral_container_statuses) {
    status.ready = false;
    status.started.reset();
  }

  out.phase = pod_phase(in.pod, out.init_container_statuses, out.container_statuses, in.terminal);
  if (!is_terminal_phase(out.phase) && is_terminal_phase(in.previous.phase))
    out.phase = in.previous.phase;
  if (out.phase == in.previous.phase) {
    out.reason = in.previous.reason;
    out.message = in.previous.message;
  }
  if (in.failure) {
    out.phase = "Failed";
    out.reason = in.failure->reason;
    out.message = in.failure->message;
  }
  set_addresses(in, out);
  set_pod_resources(in, out);
  set_conditions(in, out);
  return out;
}

void finish_status(const corev1::Pod& pod, corev1::PodStatus& status) {
  const auto lost = [](corev1::ContainerStatus& s) {
    if (s.state.terminated) return;
    s.state = {};
    auto& t = s.state.terminated.emplace();
    t.reason = "ContainerStatusUnknown";
    t.message = "The container could not be located when the pod was terminated";
    t.exit_code = 137;
    s.ready = false;
    s.started = false;
  };
  const auto seen = [](const corev1::ContainerStatus& s) {
    return s.state.running || s.state.terminated || s.last_state.terminated;
  };
  if (pod_initialized(pod, status)) {
    for (auto& s : status.container_statuses) lost(s);
  }
  // Of the init containers, those before the last one that shows signs of life have ended too.
  std::size_t last = 0;
  for (std::size_t i = 0; i < status.init_container_statuses.size(); ++i) {
    if (seen(status.init_container_statuses[i])) last = i + 1;
  }
  for (std::size_t i = 0; i < last; ++i) lost(status.init_container_statuses[i]);
  if (!is_terminal_phase(status.phase)) status.phase = "Failed";
}

}  // namespace kpp::kubelet
