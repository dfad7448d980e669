// Services.
#include <algorithm>
#include <array>
#include <set>

#include "validation/addresses.h"
#include "validation/core/probes.h"
#include "validation/core/service_addresses.h"
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

constexpr std::int32_t kLongestAffinity = 86400;

bool has_node_ports(const corev1::Service& service) {
  return service.spec.type == "NodePort" || service.spec.type == "LoadBalancer";
}
bool is_headless(const corev1::Service& service) { return service.spec.cluster_ip == "None"; }
bool is_external(const corev1::Service& service) {
  return has_node_ports(service) ||
         (service.spec.type == "ClusterIP" && !service.spec.external_ips.empty());
}
bool needs_health_check(const corev1::Service& service) {
  return service.spec.type == "LoadBalancer" && service.spec.external_traffic_policy == "Local";
}

void check_port(FieldErrors& errors, const FieldPath& at, const corev1::ServicePort& port,
                bool needs_name, std::set<std::string>& names) {
  if (needs_name && port.name.empty()) {
    errors.required(at.child("name"));
  } else if (!port.name.empty()) {
    check_dns1123_label(errors, at.child("name"), port.name);
    if (!names.insert(port.name).second) errors.duplicate(at.child("name"), port.name);
  }
  errors.invalid_each(at.child("port"), port.port, port_number(port.port));
  if (port.protocol.empty()) {
    errors.required(at.child("protocol"));
  } else if (port.protocol != "TCP" && port.protocol != "UDP" && port.protocol != "SCTP") {
    errors.not_supported(at.child("protocol"), port.protocol, {"SCTP", "TCP", "UDP"});
  }
  check_port_or_name(errors, at.child("targetPort"), port.target_port);
  if (port.app_protocol)
    errors.invalid_each(at.child("appProtocol"), *port.app_protocol,
                        qualified_name(*port.app_protocol));
}

// The port as it is compared: only what makes it the same port twice.
Value port_value(const corev1::ServicePort& port, bool node_port) {
  corev1::ServicePort shown;
  if (!node_port) shown.port = port.port;
  if (node_port) shown.node_port = port.node_port;
  shown.protocol = port.protocol;
  return go_value(shown);
}

void check_ports(FieldErrors& errors, const FieldPath& at, const corev1::Service& service) {
  const std::vector<corev1::ServicePort>& ports = service.spec.ports;
  if (ports.empty() && !is_headless(service) && service.spec.type != "ExternalName")
    errors.required(at);
  std::set<std::string> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    check_port(errors, at.index(i), ports[i], ports.size() > 1, names);
  }
}

void check_port_conflicts(FieldErrors& errors, const FieldPath& at,
                          const corev1::Service& service) {
  const std::vector<corev1::ServicePort>& ports = service.spec.ports;
  std::set<std::pair<std::string, std::int32_t>> node_ports;
  if (service.spec.type == "ClusterIP") {
    for (std::size_t i = 0; i < ports.size(); ++i) {
      if (ports[i].node_port != 0) {
        errors.forbidden(at.index(i).child("nodePort"),
                         "may not be used when `type` is 'ClusterIP'");
      }
    }
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].node_port == 0) continue;
    if (!node_ports.emplace(ports[i].protocol, ports[i].node_port).second) {
      errors.duplicate(at.index(i).child("nodePort"), port_value(ports[i], true));
    }
  }
  std::set<std::pair<std::string, std::int32_t>> seen;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (!seen.emplace(ports[i].protocol, ports[i].port).second)
      errors.duplicate(at.index(i), port_value(ports[i], false));
  }
}

void check_affinity(FieldErrors& errors, const FieldPath& at, const corev1::ServiceSpec& spec) {
  if (spec.session_affinity.empty()) {
    errors.required(at.child("sessionAffinity"));
  } else if (spec.session_affinity != "ClientIP" && spec.session_affinity != "None") {
    errors.not_supported(at.child("sessionAffinity"), spec.session_affinity, {"ClientIP", "None"});
  }
  const FieldPath config = at.child("sessionAffinityConfig");
  if (spec.session_affinity == "ClientIP") {
    const FieldPath seconds = config.child("clientIP", "timeoutSeconds");
    if (!spec.session_affinity_config) {
      errors.required(config, "when session affinity type is ClientIP");
    } else if (!spec.session_affinity_config->client_ip) {
      errors.required(config.child("clientIP"), "when session affinity type is ClientIP");
    } else if (!spec.session_affinity_config->client_ip->timeout_seconds) {
      errors.required(seconds, "when session affinity type is ClientIP");
    } else {
      const std::int32_t timeout = *spec.session_affinity_config->client_ip->timeout_seconds;
      if (timeout <= 0 || timeout > kLongestAffinity) {
        errors.invalid(seconds, timeout,
                       cat("must be greater than 0 and less than ", kLongestAffinity));
      }
    }
  } else if (spec.session_affinity == "None" && spec.session_affinity_config) {
    errors.forbidden(config,
                     cat("must not be set when session affinity is ", spec.session_affinity));
  }
}

void check_external_name(FieldErrors& errors, const FieldPath& at, const corev1::Service& service) {
  if (service.spec.type != "ExternalName") return;
  if (!service.spec.cluster_ips.empty() || !service.spec.cluster_ip.empty()) {
    errors.forbidden(at.child("clusterIPs"), "may not be set for ExternalName services");
  }
  std::string name = service.spec.external_name;
  if (name.empty()) {
    errors.required(at.child("externalName"));
    return;
  }
  if (name.ends_with('.')) name.pop_back();
  check_dns1123_subdomain(errors, at.child("externalName"), name);
}

void check_cluster_ips(FieldErrors& errors, const FieldPath& at, const corev1::Service& service) {
  const corev1::ServiceSpec& spec = service.spec;
  if (spec.type == "ExternalName") return;
  if (spec.ip_family_policy && *spec.ip_family_policy != "SingleStack" &&
      *spec.ip_family_policy != "PreferDualStack" && *spec.ip_family_policy != "RequireDualStack") {
    errors.not_supported(at.child("ipFamilyPolicy"), *spec.ip_family_policy,
                         {"PreferDualStack", "RequireDualStack", "SingleStack"});
  }
  std::set<std::string_view> families;
  for (std::size_t i = 0; i < spec.ip_families.size(); ++i) {
    const std::string& family = spec.ip_families[i];
    if (family != "IPv4" && family != "IPv6") {
      errors.not_supported(at.child("ipFamilies").index(i), family, {"IPv4", "IPv6"});
    } else if (!families.insert(family).second) {
      errors.duplicate(at.child("ipFamilies").index(i), family);
    }
  }
  if (spec.ip_families.size() > 2) {
    errors.invalid(at.child("ipFamilies"), spec.ip_families, "may only hold up to 2 values");
  }
  const FieldPath ips = at.child("clusterIPs");
  if (spec.cluster_ips.empty()) {
    if (!spec.cluster_ip.empty()) errors.required(ips, "must be set when `clusterIP` is");
    return;
  }
  if (spec.cluster_ip.empty()) {
    errors.invalid(ips, spec.cluster_ips, "must be empty when `clusterIP` is not specified");
  } else if (spec.cluster_ips.front() != spec.cluster_ip) {
    errors.invalid(ips, spec.cluster_ips, "first value must match `clusterIP`");
  }
  if (spec.cluster_ips.size() > 1 && spec.cluster_ips.front() == "None") {
    errors.invalid(ips.index(0), "None", "'None' must be the first and only value");
  }
  const bool headless = spec.cluster_ips.front() == "None";
  if (headless && spec.type != "ClusterIP") {
    errors.invalid(ips.index(0), "None",
                   cat("may not be set to 'None' for ", spec.type, " services"));
  }
  if (headless) return;
  int v4 = 0;
  int v6 = 0;
  for (std::size_t i = 0; i < spec.cluster_ips.size(); ++i) {
    check_ip(errors, ips.index(i), spec.cluster_ips[i]);
    const std::optional<Ip> ip = parse_ip(spec.cluster_ips[i]);
    if (!ip) continue;
    (ip->v6 ? v6 : v4)++;
    if (i < spec.ip_families.size() && spec.ip_families[i] != (ip->v6 ? "IPv6" : "IPv4")) {
      errors.invalid(
          ips.index(i), spec.cluster_ips[i],
          cat("expected an ", spec.ip_families[i], " value as indicated by `ipFamilies[", i, "]`"));
    }
  }
  if (spec.cluster_ips.size() > 2)
    errors.invalid(ips, spec.cluster_ips, "may only hold up to 2 values");
  if (spec.cluster_ips.size() == 2 && (v4 != 1 || v6 != 1)) {
    errors.invalid(ips, spec.cluster_ips, "may specify no more than one IP for each IP family");
  }
}

void check_traffic_policies(FieldErrors& errors, const FieldPath& at,
                            const corev1::Service& service) {
  const corev1::ServiceSpec& spec = service.spec;
  const FieldPath external = at.child("externalTrafficPolicy");
  if (!is_external(service)) {
    if (!spec.external_traffic_policy.empty()) {
      errors.invalid(external, spec.external_traffic_policy,
                     "may only be set for externally-accessible services");
    }
  } else if (spec.external_traffic_policy.empty()) {
    errors.required(external);
  } else if (spec.external_traffic_policy != "Cluster" && spec.external_traffic_policy != "Local") {
    errors.not_supported(external, spec.external_traffic_policy, {"Cluster", "Local"});
  }
  const FieldPath health = at.child("healthCheckNodePort");
  if (!needs_health_check(service)) {
    if (spec.health_check_node_port != 0) {
      errors.invalid(
          health, spec.health_check_node_port,
          "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
    }
  } else if (spec.health_check_node_port == 0) {
    errors.required(health);
  } else {
    errors.invalid_each(health, spec.health_check_node_port,
                        port_number(spec.health_check_node_port));
  }
  const FieldPath internal = at.child("internalTrafficPolicy");
  if (spec.internal_traffic_policy) {
    if (*spec.internal_traffic_policy != "Cluster" && *spec.internal_traffic_policy != "Local") {
      errors.not_supported(internal, *spec.internal_traffic_policy, {"Cluster", "Local"});
    }
  } else if (has_node_ports(service) || spec.type == "ClusterIP") {
    errors.required(internal);
  }
}

void check_load_balancer(FieldErrors& errors, const FieldPath& at, const corev1::Service& service) {
  const corev1::ServiceSpec& spec = service.spec;
  const bool balancer = spec.type == "LoadBalancer";
  const FieldPath ranges = at.child("loadBalancerSourceRanges");
  if (!spec.load_balancer_source_ranges.empty()) {
    if (!balancer) errors.forbidden(ranges, "may only be used when `type` is 'LoadBalancer'");
    for (std::size_t i = 0; i < spec.load_balancer_source_ranges.size(); ++i) {
      check_prefix(errors, ranges.index(i), trimmed(spec.load_balancer_source_ranges[i]));
    }
  } else if (const auto found = service.metadata.annotations.find(
                 "service.beta.kubernetes.io/load-balancer-source-ranges");
             found != service.metadata.annotations.end()) {
    const FieldPath annotation = FieldPath("metadata")
                                     .child("annotations")
                                     .key("service.beta.kubernetes.io/load-balancer-source-ranges");
    if (!balancer) errors.forbidden(annotation, "may only be used when `type` is 'LoadBalancer'");
  }
  const FieldPath name = at.child("loadBalancerClass");
  if (spec.load_balancer_class) {
    if (!balancer) errors.forbidden(name, "may only be used when `type` is 'LoadBalancer'");
    errors.invalid_each(name, *spec.load_balancer_class, qualified_name(*spec.load_balancer_class));
  }
  const FieldPath allocate = at.child("allocateLoadBalancerNodePorts");
  if (balancer) {
    if (!spec.allocate_load_balancer_node_ports) errors.required(allocate);
  } else if (spec.allocate_load_balancer_node_ports) {
    errors.forbidden(allocate, "may only be used when `type` is 'LoadBalancer'");
  }
}

void check_service(FieldErrors& errors, const corev1::Service& service) {
  check_metadata(errors, service.metadata, true, label_name);
  const FieldPath at("spec");
  const corev1::ServiceSpec& spec = service.spec;
  check_ports(errors, at.child("ports"), service);
  check_labels(errors, at.child("selector"), spec.selector);
  check_affinity(errors, at, spec);
  check_external_name(errors, at, service);
  check_cluster_ips(errors, at, service);
  for (std::size_t i = 0; i < spec.external_ips.size(); ++i) {
    const std::size_t before = errors.size();
    check_ip(errors, at.child("externalIPs").index(i), spec.external_ips[i]);
    if (errors.size() == before)
      check_non_special_ip(errors, at.child("externalIPs").index(i), spec.external_ips[i]);
  }
  static constexpr std::array<std::string_view, 4> kTypes = {"ClusterIP", "ExternalName",
                                                             "LoadBalancer", "NodePort"};
  if (spec.type.empty()) {
    errors.required(at.child("type"));
  } else if (std::find(kTypes.begin(), kTypes.end(), spec.type) == kTypes.end()) {
    errors.not_supported(at.child("type"), spec.type, kTypes);
  }
  check_port_conflicts(errors, at.child("ports"), service);
  check_load_balancer(errors, at, service);
  check_traffic_policies(errors, at, service);
  if (spec.traffic_distribution && *spec.traffic_distribution != "PreferClose" &&
      *spec.traffic_distribution != "PreferSameZone" &&
      *spec.traffic_distribution != "PreferSameNode") {
    errors.not_supported(at.child("trafficDistribution"), *spec.traffic_distribution,
                         {"PreferClose", "PreferSameNode", "PreferSameZone"});
  }
}

void check_fixed_addresses(FieldErrors& errors, const FieldPath& at, const corev1::Service& service,
                           const corev1::Service& old) {
  if (old.spec.type == "ExternalName" || service.spec.type == "ExternalName") return;
  const std::vector<std::string>& was = old.spec.cluster_ips;
  const std::vector<std::string>& is = service.spec.cluster_ips;
  for (std::size_t i = 0; i < was.size() && i < 2; ++i) {
    if (was[i].empty()) continue;
    const bool released = i > 0 && is.size() <= i;  // a second family may be given up
    if (!released && (is.size() <= i || is[i] != was[i])) {
      errors.invalid(at.child("clusterIPs").index(i), is, "may not change once set");
    }
  }
  const std::vector<std::string>& old_families = old.spec.ip_families;
  const std::vector<std::string>& families = service.spec.ip_families;
  if (!old_families.empty() && (families.empty() || families.front() != old_families.front())) {
    errors.invalid(at.child("ipFamilies").index(0), families, "may not change once set");
  }
}

void check_status(FieldErrors& errors, const corev1::Service& service) {
  const FieldPath at = FieldPath("status").child("loadBalancer");
  const auto& ingress = service.status.load_balancer.ingress;
  if (!ingress.empty() && service.spec.type != "LoadBalancer") {
    errors.forbidden(at.child("ingress"), "may only be used when `spec.type` is \"LoadBalancer\"");
    return;
  }
  for (std::size_t i = 0; i < ingress.size(); ++i) {
    const FieldPath here = at.child("ingress").index(i);
    if (!ingress[i].ip.empty()) check_ip(errors, here.child("ip"), ingress[i].ip);
    if (!ingress[i].ip.empty() && !ingress[i].ip_mode)
      errors.required(here.child("ipMode"), "must be specified when `ip` is set");
    if (ingress[i].ip.empty() && ingress[i].ip_mode) {
      errors.forbidden(here.child("ipMode"), "may not be specified when `ip` is not set");
    }
    if (ingress[i].ip_mode && *ingress[i].ip_mode != "VIP" && *ingress[i].ip_mode != "Proxy") {
      errors.not_supported(here.child("ipMode"), *ingress[i].ip_mode, {"Proxy", "VIP"});
    }
    if (ingress[i].hostname.empty()) continue;
    check_dns1123_subdomain(errors, here.child("hostname"), ingress[i].hostname);
    if (parse_ip(ingress[i].hostname)) {
      errors.invalid(here.child("hostname"), ingress[i].hostname,
                     "must be a DNS name, not an IP address");
    }
  }
}

}  // namespace

FieldErrors service_address_errors(const corev1::Service& service) {
  FieldErrors errors;
  check_cluster_ips(errors, FieldPath("spec"), service);
  return errors;
}

void validate(FieldErrors& errors, const corev1::Service& service, const Context&) {
  check_service(errors, service);
}

void validate_change(FieldErrors& errors, const corev1::Service& service,
                     const corev1::Service& old, const Context& context) {
  check_metadata_update(errors, service.metadata, old.metadata);
  if (context.is_status) return check_status(errors, service);
  const FieldPath at("spec");
  check_fixed_addresses(errors, at, service, old);
  const bool balancer = service.spec.type == "LoadBalancer";
  if (balancer && old.spec.type == "LoadBalancer" &&
      service.spec.load_balancer_class != old.spec.load_balancer_class) {
    errors.invalid(at.child("loadBalancerClass"), service.spec.load_balancer_class,
                   "may not change once set");
  }
  check_service(errors, service);
}

}  // namespace kpp::validation
