// The core group but for pods.
#include "api/corev1.h"
#include "api/defaults/rules.h"

namespace kpp::api::defaults {
namespace {

using namespace corev1;

void service(Service& object) {
  auto& spec = object.spec;
  set(spec.session_affinity, "None");
  if (spec.session_affinity == "None") spec.session_affinity_config.reset();
  if (spec.session_affinity == "ClientIP") {
    set(spec.session_affinity_config.ensure().client_ip.ensure().timeout_seconds, 10800);
  }
  set(spec.type, "ClusterIP");
  for (auto& port : spec.ports) {
    set(port.protocol, "TCP");
    const auto& target = port.target_port;
    if (target == IntOrString() || target == IntOrString("")) port.target_port = port.port;
  }
  const bool balanced = spec.type == "LoadBalancer";
  const bool external = balanced || spec.type == "NodePort" ||
                        (spec.type == "ClusterIP" && !spec.external_ips.empty());
  if (external) set(spec.external_traffic_policy, "Cluster");
  if (spec.type == "ClusterIP" || spec.type == "NodePort" || balanced)
    set(spec.internal_traffic_policy, "Cluster");
  if (!balanced) return;
  set(spec.allocate_load_balancer_node_ports, true);
  for (auto& ingress : object.status.load_balancer.ingress) {
    if (!ingress.ip.empty()) set(ingress.ip_mode, "VIP");
  }
}

void secret(Secret& object) {
  set(object.type, "Opaque");
  for (auto& [key, text] : object.string_data) object.data[key] = std::move(text);
  object.string_data.clear();
}

void replication_controller(ReplicationController& object) {
  if (!object.spec.template_) return;
  const auto& labels = object.spec.template_->metadata.labels;
  if (object.spec.selector.empty()) object.spec.selector = labels;
  if (object.metadata.labels.empty()) object.metadata.labels = labels;
}

void volume(PersistentVolume& object) {
  set(object.status.phase, "Pending");
  set(object.spec.persistent_volume_reclaim_policy, "Retain");
  set(object.spec.volume_mode, "Filesystem");
}
void claim(PersistentVolumeClaim& object) { set(object.status.phase, "Pending"); }
void claim_spec(PersistentVolumeClaimSpec& spec) { set(spec.volume_mode, "Filesystem"); }

void endpoint_port(EndpointPort& port) { set(port.protocol, "TCP"); }

void namespace_object(Namespace& object) {
  if (!object.metadata.name.empty())
    object.metadata.labels["kubernetes.io/metadata.name"] = object.metadata.name;
}
void namespace_status(NamespaceStatus& status) { set(status.phase, "Active"); }

// The range of a node's pods stands alone and at the head of a list; where they differ, the one
// that stands alone holds.
void node_spec(NodeSpec& spec) {
  if (spec.pod_cidr.empty()) {
    if (!spec.pod_cidrs.empty()) spec.pod_cidr = spec.pod_cidrs.front();
  } else if (spec.pod_cidrs.empty() || spec.pod_cidrs.front() != spec.pod_cidr) {
    spec.pod_cidrs = {spec.pod_cidr};
  }
}

void node_status(NodeStatus& status) {
  if (status.allocatable.empty()) status.allocatable = status.capacity;
}

void limit_range_item(LimitRangeItem& item) {
  if (item.type != "Container") return;
  for (const auto& [name, quantity] : item.max) item.default_.try_emplace(name, quantity);
  for (const auto& [name, quantity] : item.default_)
    item.default_request.try_emplace(name, quantity);
  for (const auto& [name, quantity] : item.min) item.default_request.try_emplace(name, quantity);
}

constexpr Rule kRules[] = {
    rule<Service, service>(),
    rule<Secret, secret>(),
    rule<ReplicationController, replication_controller>(),
    rule<PersistentVolume, volume>(),
    rule<PersistentVolumeClaim, claim>(),
    rule<PersistentVolumeClaimSpec, claim_spec>(),
    rule<EndpointPort, endpoint_port>(),
    rule<Namespace, namespace_object>(),
    rule<NamespaceStatus, namespace_status>(),
    rule<NodeSpec, node_spec>(),
    rule<NodeStatus, node_status>(),
    rule<LimitRangeItem, limit_range_item>(),
};

}  // namespace

std::span<const Rule> core_rules() { return kRules; }

}  // namespace kpp::api::defaults
