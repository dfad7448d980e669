#include "validation/core/pods.h"

#include <algorithm>

#include "validation/addresses.h"
#include "validation/core/containers.h"
#include "validation/core/pod_scheduling.h"
#include "validation/core/pod_security.h"
#include "validation/core/resources.h"
#include "validation/core/volumes.h"
#include "validation/go_value.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

void check_host_ports(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  if (!spec.host_network) return;
  const auto each = [&](const std::vector<corev1::Container>& containers, const FieldPath& list) {
    for (std::size_t i = 0; i < containers.size(); ++i) {
      for (std::size_t k = 0; k < containers[i].ports.size(); ++k) {
        const corev1::ContainerPort& port = containers[i].ports[k];
        if (port.host_port != port.container_port) {
          errors.invalid(list.index(i).child("ports").index(k).child("hostPort"), port.host_port,
                         "must match `containerPort` when `hostNetwork` is true");
        }
      }
    }
  };
  each(spec.containers, at.child("containers"));
  each(spec.init_containers, at.child("initContainers"));
}

void check_policies(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  if (spec.restart_policy.empty()) {
    errors.required(at.child("restartPolicy"));
  } else if (spec.restart_policy != "Always" && spec.restart_policy != "OnFailure" &&
             spec.restart_policy != "Never") {
    errors.not_supported(at.child("restartPolicy"), spec.restart_policy,
                         {"Always", "Never", "OnFailure"});
  }
  if (spec.dns_policy.empty()) {
    errors.required(at.child("dnsPolicy"));
  } else if (spec.dns_policy != "ClusterFirst" && spec.dns_policy != "ClusterFirstWithHostNet" &&
             spec.dns_policy != "Default" && spec.dns_policy != "None") {
    errors.not_supported(at.child("dnsPolicy"), spec.dns_policy,
                         {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"});
  }
}

void check_dns_config(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  if (spec.dns_policy == "None") {
    if (!spec.dns_config) {
      errors.required(at, "must provide `dnsConfig` when `dnsPolicy` is None");
      return;
    }
    if (spec.dns_config->nameservers.empty()) {
      errors.required(at.child("nameservers"),
                      "must provide at least one DNS nameserver when `dnsPolicy` is None");
      return;
    }
  }
  if (!spec.dns_config) return;
  const corev1::PodDNSConfig& config = *spec.dns_config;
  if (config.nameservers.size() > 3) {
    errors.invalid(at.child("nameservers"), config.nameservers,
                   "must not have more than 3 nameservers");
  }
  for (std::size_t i = 0; i < config.nameservers.size(); ++i) {
    check_ip(errors, at.child("nameservers").index(i), config.nameservers[i]);
  }
  if (config.searches.size() > 32) {
    errors.invalid(at.child("searches"), config.searches,
                   "must not have more than 32 search paths");
  }
  if (join(config.searches, " ").size() > 2048) {
    errors.invalid(at.child("searches"), config.searches,
                   "must not have more than 2048 characters (including spaces) in the search list");
  }
  for (std::size_t i = 0; i < config.searches.size(); ++i) {
    std::string search = config.searches[i];
    if (search == ".") continue;
    if (search.ends_with('.')) search.pop_back();
    std::replace(search.begin(), search.end(), '_', '-');
    errors.invalid_each(at.child("searches").index(i), config.searches[i],
                        dns1123_subdomain(search));
  }
  for (std::size_t i = 0; i < config.options.size(); ++i) {
    if (config.options[i].name.empty())
      errors.required(at.child("options").index(i), "must not be empty");
  }
}

void check_host_aliases(FieldErrors& errors, const FieldPath& at,
                        const std::vector<corev1::HostAlias>& aliases) {
  for (std::size_t i = 0; i < aliases.size(); ++i) {
    check_ip(errors, at.index(i).child("ip"), aliases[i].ip);
    for (const std::string& name : aliases[i].hostnames)
      check_dns1123_subdomain(errors, at.index(i).child("hostnames"), name);
  }
}

void check_host_users(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  if (spec.host_users.value_or(true)) return;
  if (spec.host_network) errors.forbidden(at.child("hostNetwork"), "when `hostUsers` is false");
  if (spec.host_pid) errors.forbidden(at.child("HostPID"), "when `hostUsers` is false");
  if (spec.host_ipc) errors.forbidden(at.child("HostIPC"), "when `hostUsers` is false");
  for (std::size_t i = 0; i < spec.containers.size(); ++i) {
    if (!spec.containers[i].volume_devices.empty()) {
      errors.forbidden(at.child("containers").index(i).child("volumeDevices"),
                       "when `hostUsers` is false");
    }
  }
}

void check_names(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  if (!spec.service_account_name.empty()) {
    check_dns1123_subdomain(errors, at.child("serviceAccountName"), spec.service_account_name);
  }
  if (!spec.node_name.empty())
    check_dns1123_subdomain(errors, at.child("nodeName"), spec.node_name);
  if (spec.active_deadline_seconds) {
    const std::int64_t seconds = *spec.active_deadline_seconds;
    errors.invalid_each(at.child("activeDeadlineSeconds"), seconds,
                        in_range(seconds, 1, 2147483647));
  }
  if (!spec.hostname.empty()) check_dns1123_label(errors, at.child("hostname"), spec.hostname);
  if (!spec.subdomain.empty()) check_dns1123_label(errors, at.child("subdomain"), spec.subdomain);
}

void check_os(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  if (!spec.os) return;
  if (spec.os->name.empty()) {
    errors.required(at.child("os", "name"), "cannot be empty");
  } else if (spec.os->name != "linux" && spec.os->name != "windows") {
    errors.not_supported(at.child("os", "name"), spec.os->name, {"linux", "windows"});
  }
  if (!spec.security_context) return;
  const corev1::PodSecurityContext& context = *spec.security_context;
  const FieldPath security = at.child("securityContext");
  if (spec.os->name == "linux" && context.windows_options) {
    errors.forbidden(security.child("windowsOptions"),
                     "windows options cannot be set for a linux pod");
  }
  if (spec.os->name == "windows") {
    const auto refuse = [&](bool set, std::string_view field) {
      if (set) errors.forbidden(security.child(field), "cannot be set for a windows pod");
    };
    refuse(context.app_armor_profile.has_value(), "appArmorProfile");
    refuse(context.se_linux_options.has_value(), "seLinuxOptions");
    refuse(spec.host_users.has_value(), "hostUsers");
    refuse(spec.host_pid, "hostPID");
    refuse(spec.host_ipc, "hostIPC");
    refuse(context.seccomp_profile.has_value(), "seccompProfile");
    refuse(context.fs_group.has_value(), "fsGroup");
    refuse(context.fs_group_change_policy.has_value(), "fsGroupChangePolicy");
    refuse(!context.sysctls.empty(), "sysctls");
    refuse(spec.share_process_namespace.has_value(), "shareProcessNamespace");
    refuse(context.run_as_user.has_value(), "runAsUser");
    refuse(context.run_as_group.has_value(), "runAsGroup");
    refuse(!context.supplemental_groups.empty(), "supplementalGroups");
  }
}

}  // namespace

void check_pod_spec(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  check_volumes(errors, at.child("volumes"), spec.volumes);
  check_pod_claims(errors, at.child("resourceClaims"), spec.resource_claims);
  check_containers(errors, at, spec);
  if (spec.resources)
    check_resource_requirements(errors, at.child("resources"), *spec.resources, nullptr);
  check_host_ports(errors, at, spec);
  check_policies(errors, at, spec);
  check_labels(errors, at.child("nodeSelector"), spec.node_selector);
  check_pod_security_context(errors, at.child("securityContext"), spec);
  check_affinity(errors, at.child("affinity"), spec.affinity);
  check_dns_config(errors, at.child("dnsConfig"), spec);
  for (std::size_t i = 0; i < spec.readiness_gates.size(); ++i) {
    check_label_key(errors, at.child("readinessGates").index(i).child("conditionType"),
                    spec.readiness_gates[i].condition_type);
  }
  check_scheduling_gates(errors, at.child("schedulingGates"), spec.scheduling_gates);
  check_spread(errors, at.child("topologySpreadConstraints"), spec.topology_spread_constraints);
  check_host_users(errors, at, spec);
  check_names(errors, at, spec);
  check_tolerations(errors, at.child("tolerations"), spec.tolerations);
  check_host_aliases(errors, at.child("hostAliases"), spec.host_aliases);
  if (!spec.priority_class_name.empty()) {
    check_dns1123_subdomain(errors, at.child("priorityClassName"), spec.priority_class_name);
  }
  if (spec.runtime_class_name)
    check_dns1123_subdomain(errors, at.child("runtimeClassName"), *spec.runtime_class_name);
  if (spec.preemption_policy) {
    const std::string& policy = *spec.preemption_policy;
    if (policy.empty()) {
      errors.required(at.child("preemptionPolicy"));
    } else if (policy != "PreemptLowerPriority" && policy != "Never") {
      errors.not_supported(at.child("preemptionPolicy"), policy, {"Never", "PreemptLowerPriority"});
    }
  }
  if (!spec.overhead.empty()) check_overhead(errors, at.child("overhead"), spec.overhead);
  check_os(errors, at, spec);
}

void check_pod_template(FieldErrors& errors, const FieldPath& at,
                        const corev1::PodTemplateSpec& pod_template) {
  check_labels(errors, at.child("labels"), pod_template.metadata.labels);
  check_annotations(errors, at.child("annotations"), pod_template.metadata.annotations);
  check_pod_spec(errors, at.child("spec"), pod_template.spec);
  if (!pod_template.spec.ephemeral_containers.empty()) {
    errors.forbidden(at.child("spec", "ephemeralContainers"),
                     "ephemeral containers not allowed in pod template");
  }
}

void check_pod(FieldErrors& errors, const corev1::Pod& pod) {
  const FieldPath at("spec");
  check_metadata(errors, pod.metadata, true, subdomain_name);
  check_pod_spec(errors, at, pod.spec);
  if (pod.spec.service_account_name.empty()) {
    for (std::size_t i = 0; i < pod.spec.volumes.size(); ++i) {
      const auto& projected = pod.spec.volumes[i].volume_source.projected;
      if (!projected) continue;
      for (std::size_t k = 0; k < projected->sources.size(); ++k) {
        if (projected->sources[k].service_account_token) {
          errors.forbidden(at.child("volumes")
                               .index(i)
                               .child("projected", "sources")
                               .index(k)
                               .child("serviceAccountToken"),
                           "must not be specified when serviceAccountName is not set");
        }
      }
    }
  }
  check_image_spaces(errors, at, pod.spec);
}

void validate(FieldErrors& errors, const corev1::Pod& pod, const Context&) {
  check_pod(errors, pod);
  const FieldPath at("spec");
  if (!pod.spec.ephemeral_containers.empty())
    errors.forbidden(at.child("ephemeralContainers"), "cannot be set on create");
  if (!pod.spec.scheduling_gates.empty() && !pod.spec.node_name.empty()) {
    errors.forbidden(at.child("nodeName"),
                     "cannot be set until all schedulingGates have been cleared");
  }
}

void validate(FieldErrors& errors, const corev1::PodTemplate& object, const Context&) {
  check_metadata(errors, object.metadata, true, subdomain_name);
  check_pod_template(errors, FieldPath("template"), object.template_);
}

void validate(FieldErrors& errors, const corev1::Binding& binding, const Context&) {
  if (!binding.target.kind.empty() && binding.target.kind != "Node") {
    errors.not_supported(FieldPath("target").child("kind"), binding.target.kind,
                         {"Node", "<empty>"});
  }
  if (binding.target.name.empty()) errors.required(FieldPath("target").child("name"));
}

}  // namespace kpp::validation
