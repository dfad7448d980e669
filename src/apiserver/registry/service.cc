#include "api/corev1.h"
#include "apiserver/registry/strategies.h"

namespace kpp::apiserver {
namespace {

bool needs_ip(const corev1::ServiceSpec& spec) { return spec.type != "ExternalName"; }
bool needs_node_port(const corev1::ServiceSpec& spec) {
  return spec.type == "NodePort" ||
         (spec.type == "LoadBalancer" && spec.allocate_load_balancer_node_ports.value_or(true));
}
bool needs_health_port(const corev1::ServiceSpec& spec) {
  return spec.type == "LoadBalancer" && spec.external_traffic_policy == "Local";
}
bool needs_external_policy(const corev1::ServiceSpec& spec) {
  return spec.type == "NodePort" || spec.type == "LoadBalancer" ||
         (spec.type == "ClusterIP" && !spec.external_ips.empty());
}

bool same_node_ports(const corev1::ServiceSpec& a, const corev1::ServiceSpec& b) {
  const auto ports = [](const corev1::ServiceSpec& spec) {
    std::vector<std::int32_t> out;
    for (const auto& port : spec.ports) {
      if (port.node_port != 0) out.push_back(port.node_port);
    }
    return out;
  };
  return ports(a) == ports(b);
}

// What the server gave the service stays with it where an update does not name it.
void keep_allocated(corev1::ServiceSpec& spec, const corev1::ServiceSpec& old) {
  if (needs_ip(spec) && needs_ip(old)) {
    if (spec.cluster_ip.empty() && spec.cluster_ips.empty()) spec.cluster_ip = old.cluster_ip;
    if (spec.cluster_ips.empty() && spec.cluster_ip == old.cluster_ip) {
      spec.cluster_ips = old.cluster_ips;
    }
    if (spec.ip_families.empty()) spec.ip_families = old.ip_families;
    if (!spec.ip_family_policy) spec.ip_family_policy = old.ip_family_policy;
  }
  if (needs_node_port(spec) && needs_node_port(old)) {
    for (auto& port : spec.ports) {
      if (port.node_port != 0) continue;
      for (const auto& before : old.ports) {
        if (before.port == port.port && before.protocol == port.protocol &&
            before.name == port.name) {
          port.node_port = before.node_port;
        }
      }
    }
  }
  if (needs_health_port(spec) && needs_health_port(old) && spec.health_check_node_port == 0) {
    spec.health_check_node_port = old.health_check_node_port;
  }
}

// clusterIP is the first of clusterIPs; who changes one of the two means both.
void pair_addresses(corev1::ServiceSpec& spec, const corev1::ServiceSpec* old) {
  const bool list_unchanged =
      old == nullptr ? spec.cluster_ips.empty() : spec.cluster_ips == old->cluster_ips;
  const bool one_unchanged = old != nullptr && spec.cluster_ip == old->cluster_ip;
  if (!list_unchanged || one_unchanged) return;
  spec.cluster_ips.clear();
  if (!spec.cluster_ip.empty()) spec.cluster_ips = {spec.cluster_ip};
}

// Fields that the new type has no use for go, unless the update sets them anew.
void drop_unused(corev1::ServiceSpec& spec, const corev1::ServiceSpec& old) {
  if (!needs_ip(old) && needs_ip(spec) && spec.external_name == old.external_name) {
    spec.external_name.clear();
  }
  if (needs_ip(old) && !needs_ip(spec) && spec.cluster_ip == old.cluster_ip &&
      spec.cluster_ips == old.cluster_ips) {
    spec.cluster_ip.clear();
    spec.cluster_ips.clear();
    spec.ip_families.clear();
    spec.ip_family_policy.reset();
  }
  if (needs_node_port(old) && !needs_node_port(spec) && same_node_ports(spec, old)) {
    for (auto& port : spec.ports) port.node_port = 0;
  }
  if (needs_health_port(old) && !needs_health_port(spec) &&
      spec.health_check_node_port == old.health_check_node_port) {
    spec.health_check_node_port = 0;
  }
  if (old.type == "LoadBalancer" && spec.type != "LoadBalancer") {
    if (spec.allocate_load_balancer_node_ports == old.allocate_load_balancer_node_ports) {
      spec.allocate_load_balancer_node_ports.reset();
    }
    if (spec.load_balancer_class == old.load_balancer_class) spec.load_balancer_class.reset();
  }
  if (needs_external_policy(old) && !needs_external_policy(spec) &&
      spec.external_traffic_policy == old.external_traffic_policy) {
    spec.external_traffic_policy.clear();
  }
}

}  // namespace

Strategy service_strategy() {
  Strategy s;
  s.prepare_create = [](api::Object& object, const StrategyContext& context) {
    clear_status_on_create(object, context);
    pair_addresses(object.as<corev1::Service>()->spec, nullptr);
  };
  s.prepare_update = [](api::Object& object, const api::Object& old_object,
                        const StrategyContext&) {
    auto& service = *object.as<corev1::Service>();
    const auto& old = *old_object.as<corev1::Service>();
    service.status = old.status;
    service.metadata.generation = old.metadata.generation;
    keep_allocated(service.spec, old.spec);
    pair_addresses(service.spec, &old.spec);
    drop_unused(service.spec, old.spec);
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
