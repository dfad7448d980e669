// Kinds with few rules: Lease, PriorityClass, RuntimeClass, APIService.
#include "validation/core/containers.h"
#include "validation/core/pod_scheduling.h"
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

constexpr std::int32_t kHighestUserPriority = 1'000'000'000;

void check_lease(FieldErrors& errors, const coordinationv1::LeaseSpec& spec) {
  const FieldPath at("spec");
  if (spec.lease_duration_seconds && *spec.lease_duration_seconds <= 0) {
    errors.invalid(at.child("leaseDurationSeconds"), *spec.lease_duration_seconds,
                   "must be greater than 0");
  }
  if (spec.lease_transitions && *spec.lease_transitions < 0) {
    errors.invalid(at.child("leaseTransitions"), *spec.lease_transitions, kAtLeastZero);
  }
}

}  // namespace

void validate(FieldErrors& errors, const coordinationv1::Lease& lease, const Context&) {
  check_metadata(errors, lease.metadata, true, subdomain_name);
  check_lease(errors, lease.spec);
}

void validate_change(FieldErrors& errors, const coordinationv1::Lease& lease,
                     const coordinationv1::Lease& old, const Context&) {
  check_metadata_update(errors, lease.metadata, old.metadata);
  check_lease(errors, lease.spec);
}

void validate(FieldErrors& errors, const schedulingv1::PriorityClass& priority, const Context&) {
  check_metadata(errors, priority.metadata, false, subdomain_name);
  const std::string& name = priority.metadata.name;
  if (name.starts_with("system-")) {
    const bool known = (name == "system-node-critical" && priority.value == 2'000'001'000) ||
                       (name == "system-cluster-critical" && priority.value == 2'000'000'000);
    if (!known) {
      errors.forbidden(
          FieldPath("metadata").child("name"),
          "priority class names with 'system-' prefix are reserved for system use only. error: " +
              cat(name, " is not a known system priority class"));
    }
  } else if (priority.value > kHighestUserPriority) {
    errors.forbidden(FieldPath("value"), cat("maximum allowed value of a user defined priority is ",
                                             kHighestUserPriority));
  }
  if (priority.preemption_policy && *priority.preemption_policy != "PreemptLowerPriority" &&
      *priority.preemption_policy != "Never") {
    errors.not_supported(FieldPath("preemptionPolicy"), *priority.preemption_policy,
                         {"Never", "PreemptLowerPriority"});
  }
}

void validate_change(FieldErrors& errors, const schedulingv1::PriorityClass& priority,
                     const schedulingv1::PriorityClass& old, const Context&) {
  check_metadata_update(errors, priority.metadata, old.metadata);
  check_immutable(errors, FieldPath("value"), priority.value, old.value);
  check_immutable(errors, FieldPath("preemptionPolicy"), priority.preemption_policy,
                  old.preemption_policy);
}

void validate(FieldErrors& errors, const nodev1::RuntimeClass& runtime, const Context&) {
  check_metadata(errors, runtime.metadata, false, subdomain_name);
  if (runtime.handler.empty()) {
    errors.required(FieldPath("handler"));
  } else {
    check_dns1123_label(errors, FieldPath("handler"), runtime.handler);
  }
  if (runtime.overhead) check_overhead(errors, FieldPath("overhead"), runtime.overhead->pod_fixed);
  if (!runtime.scheduling) return;
  const FieldPath at("scheduling");
  check_labels(errors, at.child("nodeSelector"), runtime.scheduling->node_selector);
  const std::vector<corev1::Toleration>& tolerations = runtime.scheduling->tolerations;
  check_tolerations(errors, at.child("tolerations"), tolerations);
  for (std::size_t i = 0; i < tolerations.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (go_value(tolerations[i]).text() == go_value(tolerations[k]).text()) {
        errors.duplicate(at.child("tolerations").index(i), go_value(tolerations[i]));
        break;
      }
    }
  }
}

void validate_change(FieldErrors& errors, const nodev1::RuntimeClass& runtime,
                     const nodev1::RuntimeClass& old, const Context&) {
  check_metadata_update(errors, runtime.metadata, old.metadata);
  check_immutable(errors, FieldPath("handler"), runtime.handler, old.handler);
}

void validate(FieldErrors& errors, const apiregistrationv1::APIService& service, const Context&) {
  const std::string wanted = cat(service.spec.version, ".", service.spec.group);
  check_metadata(errors, service.metadata, false, segment_name);
  if (service.metadata.name != wanted) {
    errors.invalid(FieldPath("metadata").child("name"), service.metadata.name,
                   cat("must be `spec.version+\".\"+spec.group`: ", quoted(wanted)));
  }
  const FieldPath at("spec");
  const apiregistrationv1::APIServiceSpec& spec = service.spec;
  if (spec.group.empty()) {
    if (spec.version != "v1")
      errors.required(at.child("group"),
                      "only v1 may have an empty group and it better be legacy kube");
  } else {
    check_dns1123_subdomain(errors, at.child("group"), spec.group);
  }
  errors.invalid_each(at.child("version"), spec.version, dns1035_label(spec.version));
  if (spec.group_priority_minimum <= 0 || spec.group_priority_minimum > 20000) {
    errors.invalid(at.child("groupPriorityMinimum"), spec.group_priority_minimum,
                   "must be positive and less than 20000");
  }
  if (spec.version_priority <= 0 || spec.version_priority > 1000) {
    errors.invalid(at.child("versionPriority"), spec.version_priority,
                   "must be positive and less than 1000");
  }
  if (!spec.service) {
    if (!spec.ca_bundle.empty())
      errors.invalid(at.child("caBundle"), cat(spec.ca_bundle.size(), " bytes"),
                     "local APIServices may not have a caBundle");
    if (spec.insecure_skip_tls_verify) {
      errors.invalid(at.child("insecureSkipTLSVerify"), true,
                     "local APIServices may not have insecureSkipTLSVerify");
    }
    return;
  }
  if (spec.service->namespace_.empty()) errors.required(at.child("service", "namespace"));
  if (spec.service->name.empty()) errors.required(at.child("service", "name"));
  if (spec.service->port && !port_number(*spec.service->port).empty()) {
    errors.invalid(at.child("service", "port"), *spec.service->port,
                   cat("port is not valid: ", port_number(*spec.service->port).front()));
  }
  if (spec.insecure_skip_tls_verify && !spec.ca_bundle.empty()) {
    errors.invalid(at.child("insecureSkipTLSVerify"), true,
                   "may not be true if caBundle is present");
  }
}

}  // namespace kpp::validation
