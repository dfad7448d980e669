#include "validation/core/containers.h"

#include <algorithm>
#include <set>
#include <string>

#include "validation/core/environment.h"
#include "validation/core/pod_security.h"
#include "validation/core/probes.h"
#include "validation/core/resources.h"
#include "validation/core/volumes.h"
#include "validation/formats.h"
#include "validation/go_value.h"
#include "validation/metadata.h"

namespace kpp::validation {
namespace {

constexpr std::string_view kOnlySidecars =
    "may not be set for init containers without restartPolicy=Always";
constexpr std::string_view kNotEphemeral = "cannot be set for an Ephemeral Container";

void check_ports(FieldErrors& errors, const FieldPath& at,
                 const std::vector<corev1::ContainerPort>& ports) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const corev1::ContainerPort& port = ports[i];
    const FieldPath here = at.index(i);
    if (!port.name.empty()) {
      const Messages wrong = port_name(port.name);
      errors.invalid_each(here.child("name"), port.name, wrong);
      if (wrong.empty() && !names.insert(port.name).second)
        errors.duplicate(here.child("name"), port.name);
    }
    if (port.container_port == 0) {
      errors.required(here.child("containerPort"));
    } else {
      errors.invalid_each(here.child("containerPort"), port.container_port,
                          port_number(port.container_port));
    }
    if (port.host_port != 0) {
      errors.invalid_each(here.child("hostPort"), port.host_port, port_number(port.host_port));
    }
    if (port.protocol.empty()) {
      errors.required(here.child("protocol"));
    } else if (port.protocol != "TCP" && port.protocol != "UDP" && port.protocol != "SCTP") {
      errors.not_supported(here.child("protocol"), port.protocol, {"SCTP", "TCP", "UDP"});
    }
  }
}

void check_host_port_conflicts(FieldErrors& errors, const FieldPath& at,
                               const corev1::Container* begin, std::size_t count) {
  std::set<std::string> taken;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < begin[i].ports.size(); ++k) {
      const corev1::ContainerPort& port = begin[i].ports[k];
      if (port.host_port == 0) continue;
      std::string text = cat(port.protocol, "/", port.host_ip, "/", port.host_port);
      if (!taken.insert(text).second)
        errors.duplicate(at.index(i).child("ports").index(k).child("hostPort"), text);
    }
  }
}

void check_resize_policy(FieldErrors& errors, const FieldPath& at,
                         const std::vector<corev1::ContainerResizePolicy>& policies,
                         const std::string& restart_policy) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    const corev1::ContainerResizePolicy& policy = policies[i];
    const FieldPath here = at.index(i);
    if (!seen.insert(policy.resource_name).second) errors.duplicate(here, policy.resource_name);
    if (policy.resource_name.empty()) {
      errors.required(here.child("resourceName"));
    } else if (policy.resource_name != "cpu" && policy.resource_name != "memory") {
      errors.not_supported(here.child("resourceName"), policy.resource_name, {"cpu", "memory"});
    }
    if (policy.restart_policy.empty()) {
      errors.required(here.child("restartPolicy"));
    } else if (policy.restart_policy != "NotRequired" &&
               policy.restart_policy != "RestartContainer") {
      errors.not_supported(here.child("restartPolicy"), policy.restart_policy,
                           {"NotRequired", "RestartContainer"});
    }
    if (restart_policy == "Never" && policy.restart_policy != "NotRequired") {
      errors.invalid(here.child("restartPolicy"), policy.restart_policy,
                     "must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
  }
}

void check_restart_rules(FieldErrors& errors, const FieldPath& at,
                         const corev1::Container& container) {
  const std::string policy = container.restart_policy.value_or("");
  if (container.restart_policy && policy != "Always" && policy != "OnFailure" &&
      policy != "Never") {
    errors.not_supported(at.child("restartPolicy"), policy, {"Always", "Never", "OnFailure"});
  }
  if (container.restart_policy_rules.empty()) return;
  const FieldPath rules = at.child("restartPolicyRules");
  if (!container.restart_policy)
    errors.required(at.child("restartPolicy"),
                    "must specify restartPolicy when restart rules are used");
  if (container.restart_policy_rules.size() > 20)
    errors.too_many(rules, container.restart_policy_rules.size(), 20);
  for (std::size_t i = 0; i < container.restart_policy_rules.size(); ++i) {
    const corev1::ContainerRestartRule& rule = container.restart_policy_rules[i];
    const FieldPath here = rules.index(i);
    if (rule.action != "Restart" && rule.action != "RestartAllContainers") {
      errors.not_supported(here.child("action"), rule.action, {"Restart", "RestartAllContainers"});
    }
    if (!rule.exit_codes) {
      errors.required(here.child("exitCodes"), "must be specified");
      continue;
    }
    const std::string& op = rule.exit_codes->operator_;
    if (op != "In" && op != "NotIn") {
      errors.not_supported(here.child("exitCodes", "operator"), op, {"In", "NotIn"});
    }
    if (rule.exit_codes->values.size() > 255) {
      errors.too_many(here.child("exitCodes", "values"), rule.exit_codes->values.size(), 255);
    }
  }
}

// What every container must keep.
void check_common(FieldErrors& errors, const FieldPath& at, const corev1::Container& container,
                  const corev1::PodSpec& spec) {
  if (container.name.empty()) {
    errors.required(at.child("name"));
  } else {
    check_dns1123_label(errors, at.child("name"), container.name);
  }
  if (container.image.empty()) errors.required(at.child("image"));
  if (container.termination_message_policy.empty()) {
    errors.required(at.child("terminationMessagePolicy"));
  } else if (container.termination_message_policy != "File" &&
             container.termination_message_policy != "FallbackToLogsOnError") {
    errors.not_supported(at.child("terminationMessagePolicy"), container.termination_message_policy,
                         {"FallbackToLogsOnError", "File"});
  }
  check_ports(errors, at.child("ports"), container.ports);
  check_environment(errors, at.child("env"), container.env);
  check_environment_from(errors, at.child("envFrom"), container.env_from);
  check_volume_mounts(errors, at.child("volumeMounts"), container, spec.volumes);
  check_volume_devices(errors, at.child("volumeDevices"), container, spec.volumes);
  if (container.image_pull_policy.empty()) {
    errors.required(at.child("imagePullPolicy"));
  } else if (container.image_pull_policy != "Always" &&
             container.image_pull_policy != "IfNotPresent" &&
             container.image_pull_policy != "Never") {
    errors.not_supported(at.child("imagePullPolicy"), container.image_pull_policy,
                         {"Always", "IfNotPresent", "Never"});
  }
  check_resource_requirements(errors, at.child("resources"), container.resources,
                              &spec.resource_claims);
  check_resize_policy(errors, at.child("resizePolicy"), container.resize_policy,
                      spec.restart_policy);
  check_security_context(errors, at.child("securityContext"), container.security_context,
                         spec.host_users.value_or(true));
}

void check_running(FieldErrors& errors, const FieldPath& at, const corev1::Container& container,
                   const corev1::PodSpec& spec) {
  check_lifecycle(errors, at.child("lifecycle"), container.lifecycle,
                  spec.termination_grace_period_seconds.value_or(0), &spec);
  check_liveness_probe(errors, at.child("livenessProbe"), container.liveness_probe);
  check_readiness_probe(errors, at.child("readinessProbe"), container.readiness_probe);
  check_startup_probe(errors, at.child("startupProbe"), container.startup_probe);
}

void check_regular(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  if (spec.containers.empty()) return errors.required(at);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec.containers.size(); ++i) {
    const corev1::Container& container = spec.containers[i];
    const FieldPath here = at.index(i);
    check_common(errors, here, container, spec);
    if (!names.insert(container.name).second) errors.duplicate(here.child("name"), container.name);
    check_running(errors, here, container, spec);
    check_restart_rules(errors, here, container);
  }
  check_host_port_conflicts(errors, at, spec.containers.data(), spec.containers.size());
}

void check_init(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  std::set<std::string_view> names;
  for (const corev1::Container& container : spec.containers) names.insert(container.name);
  for (std::size_t i = 0; i < spec.init_containers.size(); ++i) {
    const corev1::Container& container = spec.init_containers[i];
    const FieldPath here = at.index(i);
    const bool sidecar = container.restart_policy == "Always";
    check_common(errors, here, container, spec);
    check_restart_rules(errors, here, container);
    if (!container.name.empty() && !names.insert(container.name).second) {
      errors.duplicate(here.child("name"), container.name);
    }
    check_host_port_conflicts(errors, at, &container, 1);
    if (sidecar) {
      check_running(errors, here, container, spec);
      continue;
    }
    if (container.lifecycle) errors.forbidden(here.child("lifecycle"), kOnlySidecars);
    if (container.liveness_probe) errors.forbidden(here.child("livenessProbe"), kOnlySidecars);
    if (container.readiness_probe) errors.forbidden(here.child("readinessProbe"), kOnlySidecars);
    if (container.startup_probe) errors.forbidden(here.child("startupProbe"), kOnlySidecars);
    if (!container.resize_policy.empty()) {
      errors.forbidden(here.child("resizePolicy"), "must not be set for init containers");
    }
  }
}

}  // namespace

void check_ephemeral_containers(FieldErrors& errors, const FieldPath& at,
                                const corev1::PodSpec& spec) {
  std::set<std::string_view> names;
  for (const corev1::Container& container : spec.containers) names.insert(container.name);
  for (const corev1::Container& container : spec.init_containers) names.insert(container.name);
  for (std::size_t i = 0; i < spec.ephemeral_containers.size(); ++i) {
    const corev1::EphemeralContainer& ephemeral = spec.ephemeral_containers[i];
    const FieldPath here = at.index(i);
    // An ephemeral container's members are those of a container; what it may not have is refused
    // below.
    const corev1::EphemeralContainerCommon& common = ephemeral.ephemeral_container_common;
    corev1::Container container;
    container.name = common.name;
    container.image = common.image;
    container.env = common.env;
    container.env_from = common.env_from;
    container.volume_mounts = common.volume_mounts;
    container.volume_devices = common.volume_devices;
    container.security_context = common.security_context;
    container.termination_message_policy = common.termination_message_policy;
    container.image_pull_policy = common.image_pull_policy;
    check_common(errors, here, container, spec);
    if (!common.name.empty() && !names.insert(common.name).second)
      errors.duplicate(here.child("name"), common.name);
    if (!ephemeral.target_container_name.empty()) {
      const bool found =
          std::any_of(spec.containers.begin(), spec.containers.end(),
                      [&](const auto& c) { return c.name == ephemeral.target_container_name; });
      if (!found)
        errors.not_found(here.child("targetContainerName"), ephemeral.target_container_name);
    }
    const auto refuse = [&](bool set, std::string_view field) {
      if (set) errors.forbidden(here.child(field), kNotEphemeral);
    };
    refuse(!common.ports.empty(), "ports");
    refuse(!common.resources.limits.empty() || !common.resources.requests.empty() ||
               !common.resources.claims.empty(),
           "resources");
    refuse(common.lifecycle.has_value(), "lifecycle");
    refuse(common.liveness_probe.has_value(), "livenessProbe");
    refuse(common.readiness_probe.has_value(), "readinessProbe");
    refuse(common.startup_probe.has_value(), "startupProbe");
    refuse(!common.resize_policy.empty(), "resizePolicy");
    refuse(common.restart_policy.has_value(), "restartPolicy");
    for (std::size_t k = 0; k < common.volume_mounts.size(); ++k) {
      const corev1::VolumeMount& mount = common.volume_mounts[k];
      const FieldPath there = here.child("volumeMounts").index(k);
      if (!mount.sub_path.empty()) errors.forbidden(there.child("subPath"), kNotEphemeral);
      if (!mount.sub_path_expr.empty()) errors.forbidden(there.child("subPathExpr"), kNotEphemeral);
    }
  }
}

void check_containers(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  check_regular(errors, at.child("containers"), spec);
  check_init(errors, at.child("initContainers"), spec);
  check_ephemeral_containers(errors, at.child("ephemeralContainers"), spec);
}

void check_image_spaces(FieldErrors& errors, const FieldPath& at, const corev1::PodSpec& spec) {
  const auto each = [&](const std::vector<corev1::Container>& containers, const FieldPath& list) {
    for (std::size_t i = 0; i < containers.size(); ++i) {
      if (trimmed(containers[i].image).size() != containers[i].image.size()) {
        errors.invalid(list.index(i).child("image"), containers[i].image,
                       "must not have leading or trailing whitespace");
      }
    }
  };
  each(spec.containers, at.child("containers"));
  each(spec.init_containers, at.child("initContainers"));
}

void check_overhead(FieldErrors& errors, const FieldPath& at,
                    const std::map<std::string, api::Quantity>& overhead) {
  corev1::ResourceRequirements limits;
  limits.limits = overhead;
  check_resource_requirements(errors, at, limits, nullptr);
}

}  // namespace kpp::validation
