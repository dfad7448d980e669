#include "controllers/endpointslice/service_pods.h"

#include "controllers/pod_state.h"

namespace kpp::controllers {

bool has_endpoints(const corev1::Service& service) {
  return !service.spec.selector.empty() && service.spec.type != "ExternalName";
}

bool is_headless(const corev1::Service& service) { return service.spec.cluster_ip == "None"; }

bool belongs_in_endpoints(const corev1::Pod& pod, bool terminating_too) {
  if (is_finished(pod)) return false;
  if (pod.status.pod_ip.empty() && pod.status.pod_ips.empty()) return false;
  return terminating_too || !pod.metadata.deletion_timestamp;
}

std::string address_of(const corev1::Pod& pod, std::string_view family) {
  const auto fits = [&](const std::string& ip) {
    return !ip.empty() && (ip.find(':') != std::string::npos) == (family == "IPv6");
  };
  for (const auto& ip : pod.status.pod_ips) {
    if (fits(ip.ip)) return ip.ip;
  }
  return fits(pod.status.pod_ip) ? pod.status.pod_ip : std::string();
}

std::vector<std::string> families_of(const corev1::Service& service) {
  if (!service.spec.ip_families.empty()) return service.spec.ip_families;
  return {service.spec.cluster_ip.find(':') != std::string::npos ? "IPv6" : "IPv4"};
}

std::optional<std::int32_t> port_on(const corev1::Pod& pod, const corev1::ServicePort& port) {
  if (!port.target_port.is_string) {
    return port.target_port.int_value != 0 ? port.target_port.int_value : port.port;
  }
  const auto search = [&](const std::vector<corev1::Container>& containers,
                          bool sidecars_only) -> std::optional<std::int32_t> {
    for (const auto& container : containers) {
      if (sidecars_only && container.restart_policy.value_or("") != "Always") continue;
      for (const auto& p : container.ports) {
        const std::string_view protocol = p.protocol.empty() ? "TCP" : std::string_view(p.protocol);
        const std::string_view wanted =
            port.protocol.empty() ? "TCP" : std::string_view(port.protocol);
        if (p.name == port.target_port.string_value && protocol == wanted) return p.container_port;
      }
    }
    return std::nullopt;
  };
  if (const auto found = search(pod.spec.containers, false)) return found;
  return search(pod.spec.init_containers, true);
}

std::string hostname_under(const corev1::Pod& pod, const corev1::Service& service) {
  const bool own = !pod.spec.hostname.empty() && pod.spec.subdomain == service.metadata.name &&
                   pod.metadata.namespace_ == service.metadata.namespace_;
  return own ? pod.spec.hostname : std::string();
}

corev1::ObjectReference target_reference(const corev1::Pod& pod) {
  corev1::ObjectReference out;
  out.kind = "Pod";
  out.namespace_ = pod.metadata.namespace_;
  out.name = pod.metadata.name;
  out.uid = pod.metadata.uid;
  return out;
}

api::Time last_change(const corev1::Service& service,
                      const std::vector<std::shared_ptr<const corev1::Pod>>& pods) {
  api::Time latest = service.metadata.creation_timestamp;
  for (const auto& pod : pods) {
    const auto* ready = pod_condition(*pod, "Ready");
    if (ready && latest < ready->last_transition_time) latest = ready->last_transition_time;
  }
  return latest;
}

}  // namespace kpp::controllers
