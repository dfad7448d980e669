// Amounts of CPU and memory: of containers, of pods, and as the kernel is told of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "api/corev1.h"

namespace kpp::kubelet {

using ResourceList = std::map<std::string, api::Quantity>;

// Rounded up; 0 for text that is no quantity.
std::int64_t quantity_value(const api::Quantity& quantity);
std::int64_t quantity_milli(const api::Quantity& quantity);
// The sum, in the notation of the left side unless that is zero.
api::Quantity quantity_sum(const api::Quantity& a, const api::Quantity& b);
bool quantity_less(const api::Quantity& a, const api::Quantity& b);
bool quantity_is_zero(const api::Quantity& a);

// 0 if the resource is not in the list.
std::int64_t milli_of(const ResourceList& list, const std::string& resource);
std::int64_t value_of(const ResourceList& list, const std::string& resource);

enum class QosClass { kGuaranteed, kBurstable, kBestEffort };
QosClass qos_class(const corev1::Pod& pod);
std::string_view qos_text(QosClass qos);

// What the pod as a whole asks for and may use: containers and sidecars together, or the largest
// init container, plus overhead; the pod's own figures win where it has them. A limit is there only
// if something limits it.
struct PodResources {
  ResourceList requests;
  ResourceList limits;
};
PodResources pod_resources(const corev1::Pod& pod);

// Of a container, with the pod's own limits of CPU and memory where the container has none.
corev1::ResourceRequirements effective_resources(const corev1::Pod& pod,
                                                 const corev1::ResourceRequirements& own);

// The kernel's figures.
std::int64_t cpu_shares(std::int64_t milli);  // 2 at least, 262144 at most
std::int64_t cpu_quota_us(
    std::int64_t milli);  // for a period of 100 ms; 0: no limit, 1000 at least
std::int64_t oom_score_adj(const corev1::Pod& pod, const corev1::Container& container,
                           std::int64_t memory_capacity);

bool is_restartable_init(const corev1::Container& container);  // a sidecar

}  // namespace kpp::kubelet
