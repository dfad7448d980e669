#include "kubelet/container/resources.h"

#include <algorithm>
#include <array>

#include "api/quantity.h"

namespace kpp::kubelet {
namespace {

using api::Amount;

void add(ResourceList& to, const ResourceList& from) {
  for (const auto& [name, quantity] : from) {
    auto it = to.find(name);
    to[name] = it == to.end() ? quantity : quantity_sum(it->second, quantity);
  }
}

void raise(ResourceList& to, const ResourceList& from) {
  for (const auto& [name, quantity] : from) {
    auto it = to.find(name);
    if (it == to.end() || quantity_less(it->second, quantity)) to[name] = quantity;
  }
}

constexpr std::array kComputeResources{"cpu", "memory"};

}  // namespace

std::int64_t quantity_value(const api::Quantity& quantity) {
  return Amount::from(quantity).value();
}
std::int64_t quantity_milli(const api::Quantity& quantity) {
  return Amount::from(quantity).milli_value();
}
bool quantity_less(const api::Quantity& a, const api::Quantity& b) {
  return api::compare(a, b) < 0;
}
bool quantity_is_zero(const api::Quantity& a) { return Amount::from(a).is_zero(); }

api::Quantity quantity_sum(const api::Quantity& a, const api::Quantity& b) {
  return (Amount::from(a) + Amount::from(b)).quantity();
}

std::int64_t milli_of(const ResourceList& list, const std::string& resource) {
  const auto it = list.find(resource);
  return it == list.end() ? 0 : quantity_milli(it->second);
}

std::int64_t value_of(const ResourceList& list, const std::string& resource) {
  const auto it = list.find(resource);
  return it == list.end() ? 0 : quantity_value(it->second);
}

bool is_restartable_init(const corev1::Container& container) {
  return container.restart_policy == "Always";
}

QosClass qos_class(const corev1::Pod& pod) {
  if (pod.status.qos_class == "Guaranteed") return QosClass::kGuaranteed;
  if (pod.status.qos_class == "Burstable") return QosClass::kBurstable;
  if (pod.status.qos_class == "BestEffort") return QosClass::kBestEffort;
  ResourceList requests, limits;
  bool guaranteed = true;
  const auto count = [&](const corev1::Container& c) {
    for (const char* name : kComputeResources) {
      const auto request = c.resources.requests.find(name);
      const auto limit = c.resources.limits.find(name);
      if (request != c.resources.requests.end() && !quantity_is_zero(request->second)) {
        add(requests, {{name, request->second}});
      }
      if (limit != c.resources.limits.end() && !quantity_is_zero(limit->second)) {
        add(limits, {{name, limit->second}});
      } else {
        guaranteed = false;
      }
    }
  };
  for (const auto& c : pod.spec.containers) count(c);
  for (const auto& c : pod.spec.init_containers) count(c);
  if (requests.empty() && limits.empty()) return QosClass::kBestEffort;
  if (!guaranteed || requests.size() != limits.size()) return QosClass::kBurstable;
  for (const auto& [name, limit] : limits) {
    const auto it = requests.find(name);
    if (it == requests.end() || quantity_less(it->second, limit) ||
        quantity_less(limit, it->second)) {
      return QosClass::kBurstable;
    }
  }
  return QosClass::kGuaranteed;
}

std::string_view qos_text(QosClass qos) {
  switch (qos) {
    case QosClass::kGuaranteed:
      return "Guaranteed";
    case QosClass::kBurstable:
      return "Burstable";
    case QosClass::kBestEffort:
      return "BestEffort";
  }
  return "";
}

PodResources pod_resources(const corev1::Pod& pod) {
  PodResources out;
  for (const auto& c : pod.spec.containers) {
    add(out.requests, c.resources.requests);
    add(out.limits, c.resources.limits);
  }
  // An init container runs beside the sidecars that come before it.
  ResourceList sidecar_requests, sidecar_limits, init_requests, init_limits;
  for (const auto& c : pod.spec.init_containers) {
    if (is_restartable_init(c)) {
      add(out.requests, c.resources.requests);
      add(out.limits, c.resources.limits);
      add(sidecar_requests, c.resources.requests);
      add(sidecar_limits, c.resources.limits);
      raise(init_requests, sidecar_requests);
      raise(init_limits, sidecar_limits);
      continue;
    }
    ResourceList requests = c.resources.requests;
    ResourceList limits = c.resources.limits;
    add(requests, sidecar_requests);
    add(limits, sidecar_limits);
    raise(init_requests, requests);
    raise(init_limits, limits);
  }
  raise(out.requests, init_requests);
  raise(out.limits, init_limits);
  if (pod.spec.resources) {
    for (const auto& [name, quantity] : pod.spec.resources->requests) out.requests[name] = quantity;
    for (const auto& [name, quantity] : pod.spec.resources->limits) out.limits[name] = quantity;
  }
  add(out.requests, pod.spec.overhead);
  for (const auto& [name, quantity] : pod.spec.overhead) {
    if (auto it = out.limits.find(name); it != out.limits.end())
      it->second = quantity_sum(it->second, quantity);
  }
  return out;
}

corev1::ResourceRequirements effective_resources(const corev1::Pod& pod,
                                                 const corev1::ResourceRequirements& own) {
  corev1::ResourceRequirements out = own;
  if (!pod.spec.resources) return out;
  for (const char* name : kComputeResources) {
    const auto whole = pod.spec.resources->limits.find(name);
    if (whole != pod.spec.resources->limits.end()) out.limits.try_emplace(name, whole->second);
  }
  return out;
}

std::int64_t cpu_shares(std::int64_t milli) {
  if (milli == 0) return 2;
  return std::clamp<std::int64_t>(milli * 1024 / 1000, 2, 262144);
}

std::int64_t cpu_quota_us(std::int64_t milli) {
  if (milli == 0) return 0;
  return std::max<std::int64_t>(milli * 100, 1000);
}

std::int64_t oom_score_adj(const corev1::Pod& pod, const corev1::Container& container,
                           std::int64_t memory_capacity) {
  constexpr std::int64_t kGuaranteed = -997;
  constexpr std::int64_t kBestEffort = 1000;
  if (pod.spec.priority && *pod.spec.priority >= 2'000'000'000) return kGuaranteed;
  switch (qos_class(pod)) {
    case QosClass::kGuaranteed:
      return kGuaranteed;
    case QosClass::kBestEffort:
      return kBestEffort;
    case QosClass::kBurstable:
      break;
  }
  if (memory_capacity <= 0) return kBestEffort - 1;
  const std::int64_t request = value_of(container.resources.requests, "memory");
  const auto score = kBestEffort - static_cast<std::int64_t>(static_cast<double>(request) * 1000.0 /
                                                             static_cast<double>(memory_capacity));
  if (score < 1000 + kGuaranteed) return 1000 + kGuaranteed;
  if (score == kBestEffort) return kBestEffort - 1;
  return score;
}

}  // namespace kpp::kubelet
