// Pods and what is in them.
#include <algorithm>

#include "api/corev1.h"
#include "api/defaults/rules.h"
#include "api/quantity.h"

namespace kpp::api::defaults {
namespace {

using namespace corev1;
using Resources = std::map<std::string, Quantity>;

void requests_from_limits(ResourceRequirements& resources) {
  for (const auto& [name, limit] : resources.limits) resources.requests.try_emplace(name, limit);
}

void host_ports(std::vector<Container>& containers) {
  for (auto& container : containers) {
    for (auto& port : container.ports) set(port.host_port, port.container_port);
  }
}

// What a pod needs of each resource: its containers together, or its greatest init container.
Resources needs(const PodSpec& spec, Resources ResourceRequirements::* list) {
  std::map<std::string, Amount> sum;
  for (const auto& container : spec.containers) {
    for (const auto& [name, quantity] : container.resources.*list)
      sum[name] += Amount::from(quantity);
  }
  std::map<std::string, Amount> sidecars;
  std::map<std::string, Amount> peak;
  for (const auto& container : spec.init_containers) {
    const bool sidecar = container.restart_policy == "Always";
    for (const auto& [name, quantity] : container.resources.*list) {
      const Amount amount = Amount::from(quantity);
      if (sidecar) {
        sum[name] += amount;
        sidecars[name] += amount;
        peak[name] = std::max(peak[name], sidecars[name]);
      } else {
        peak[name] = std::max(peak[name], sidecars[name] + amount);
      }
    }
  }
  for (const auto& [name, amount] : peak) sum[name] = std::max(sum[name], amount);
  Resources out;
  for (const auto& [name, amount] : sum) out.emplace(name, amount.quantity());
  return out;
}

void pod_resources(PodSpec& spec) {
  if (!spec.resources || (spec.resources->limits.empty() && spec.resources->requests.empty()))
    return;
  auto& resources = *spec.resources;
  const Resources requests = needs(spec, &ResourceRequirements::requests);
  for (const auto& [name, limit] : resources.limits) {
    const auto of_containers = requests.find(name);
    const bool huge = name.starts_with("hugepages-");
    resources.requests.try_emplace(
        name, of_containers == requests.end() || huge ? limit : of_containers->second);
  }
  for (const auto& [name, limit] : needs(spec, &ResourceRequirements::limits)) {
    if (!name.starts_with("hugepages-") || resources.requests.contains(name)) continue;
    if (resources.limits.try_emplace(name, limit).second)
      resources.requests.try_emplace(name, limit);
  }
}

void pod(Pod& object) {
  auto& spec = object.spec;
  for (auto& container : spec.containers) requests_from_limits(container.resources);
  for (auto& container : spec.init_containers) requests_from_limits(container.resources);
  pod_resources(spec);
  set(spec.enable_service_links, true);
  if (spec.host_network) {
    host_ports(spec.containers);
    host_ports(spec.init_containers);
  }
}

void pod_spec(PodSpec& spec) {
  set(spec.dns_policy, "ClusterFirst");
  set(spec.restart_policy, "Always");
  spec.security_context.ensure();
  set(spec.termination_grace_period_seconds, 30);
  set(spec.scheduler_name, "default-scheduler");
  if (spec.service_account_name.empty()) spec.service_account_name = spec.service_account;
  spec.service_account = spec.service_account_name;
}

template <class C>
void container(C& c) {
  set(c.image_pull_policy, pull_policy(c.image));
  set(c.termination_message_path, "/dev/termination-log");
  set(c.termination_message_policy, "File");
}
void probe(Probe& p) {
  set(p.timeout_seconds, 1);
  set(p.period_seconds, 10);
  set(p.success_threshold, 1);
  set(p.failure_threshold, 3);
}
void http_get(HTTPGetAction& action) {
  set(action.path, "/");
  set(action.scheme, "HTTP");
}
void field_ref(ObjectFieldSelector& selector) { set(selector.api_version, "v1"); }

void volume(Volume& v) {
  const auto& source = v.volume_source;
  for (const auto& field : VolumeSource::desc().fields) {
    const void* member = reinterpret_cast<const char*>(&source) + field.offset;
    if (field.message()->ops->opt_get(member) != nullptr) return;
  }
  v.volume_source.empty_dir.emplace();
}
void image(ImageVolumeSource& source) { set(source.pull_policy, pull_policy(source.reference)); }
template <class S>
void mode(S& source) {
  set(source.default_mode, 0644);
}
void token(ServiceAccountTokenProjection& projection) { set(projection.expiration_seconds, 3600); }
void host_path(HostPathVolumeSource& source) { set(source.type, ""); }

constexpr Rule kRules[] = {
    rule<Pod, pod>(),
    rule<PodSpec, pod_spec>(),
    rule<Container, container<Container>>(),
    rule<EphemeralContainerCommon, container<EphemeralContainerCommon>>(),
    rule<Probe, probe>(),
    rule<HTTPGetAction, http_get>(),
    rule<ObjectFieldSelector, field_ref>(),
    rule<Volume, volume>(),
    rule<ImageVolumeSource, image>(),
    rule<SecretVolumeSource, mode<SecretVolumeSource>>(),
    rule<ConfigMapVolumeSource, mode<ConfigMapVolumeSource>>(),
    rule<DownwardAPIVolumeSource, mode<DownwardAPIVolumeSource>>(),
    rule<ProjectedVolumeSource, mode<ProjectedVolumeSource>>(),
    rule<ServiceAccountTokenProjection, token>(),
    rule<HostPathVolumeSource, host_path>(),
};

}  // namespace

std::span<const Rule> pod_rules() { return kRules; }

}  // namespace kpp::api::defaults
