#include "api/corev1.h"
#include "apiserver/registry/strategies.h"

namespace kpp::apiserver {

Strategy service_strategy() {
  Strategy s;
  s.prepare_create = clear_status_on_create;
  s.prepare_update = [](api::Object& object, const api::Object& old_object, const StrategyContext&) {
    auto& service = *object.as<corev1::Service>();
    const auto& old = *old_object.as<corev1::Service>();
    service.status = old.status;
    service.metadata.generation = old.metadata.generation;
    if (service.spec.type == "ExternalName" || old.spec.type == "ExternalName") return;
    // What the server gave the service stays with it where an update does not name it.
    if (service.spec.cluster_ip.empty() && service.spec.cluster_ips.empty()) {
      service.spec.cluster_ip = old.spec.cluster_ip;
      service.spec.cluster_ips = old.spec.cluster_ips;
    }
    if (service.spec.ip_families.empty()) service.spec.ip_families = old.spec.ip_families;
    if (!service.spec.ip_family_policy) service.spec.ip_family_policy = old.spec.ip_family_policy;
    if (service.spec.health_check_node_port == 0) service.spec.health_check_node_port = old.spec.health_check_node_port;
    const bool has_node_ports = service.spec.type == "NodePort" || service.spec.type == "LoadBalancer";
    if (!has_node_ports) return;
    for (auto& port : service.spec.ports) {
      if (port.node_port != 0) continue;
      for (const auto& before : old.spec.ports) {
        if (before.port == port.port && before.protocol == port.protocol && before.name == port.name) {
          port.node_port = before.node_port;
        }
      }
    }
  };
  s.prepare_status_update = only_status_on_update;
  s.answers_deleted_object = true;
  s.selectable = [](const api::Object& object) -> std::vector<std::pair<std::string, std::string>> {
    const auto& service = *object.as<corev1::Service>();
    return {{"spec.clusterIP", service.spec.cluster_ip}, {"spec.type", service.spec.type}};
  };
  return s;
}

}  // namespace kpp::apiserver
