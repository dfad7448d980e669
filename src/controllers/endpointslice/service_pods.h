// What endpoints are made of: a service's pods, their addresses and the numbers of its ports on
// them.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "api/corev1.h"

namespace kpp::controllers {

inline constexpr const char* kLastChangeTriggerTime =
    "endpoints.kubernetes.io/last-change-trigger-time";
inline constexpr const char* kHeadlessLabel = "service.kubernetes.io/headless";

bool has_endpoints(const corev1::Service& service);  // it selects pods
bool is_headless(const corev1::Service& service);
// It has an address and has not finished. Those being deleted only with `terminating_too`.
bool belongs_in_endpoints(const corev1::Pod& pod, bool terminating_too);
// The pod's address of a family ("IPv4", "IPv6"); empty if it has none.
std::string address_of(const corev1::Pod& pod, std::string_view family);
// The families that the service is served on; IPv4 if it names none.
std::vector<std::string> families_of(const corev1::Service& service);
// The number of a service's port on a pod; nullopt if the pod has no port of that name.
std::optional<std::int32_t> port_on(const corev1::Pod& pod, const corev1::ServicePort& port);
// The name that DNS gives the pod under the service; empty: none of its own.
std::string hostname_under(const corev1::Pod& pod, const corev1::Service& service);
corev1::ObjectReference target_reference(const corev1::Pod& pod);
// When the latest of what the endpoints depend on has changed.
api::Time last_change(const corev1::Service& service,
                      const std::vector<std::shared_ptr<const corev1::Pod>>& pods);

}  // namespace kpp::controllers
