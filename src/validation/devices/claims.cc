// ResourceClaims, ResourceClaimTemplates and DeviceClasses.
#include <set>

#include "api/json_codec.h"
#include "validation/devices/device_names.h"
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

constexpr std::size_t kMostRequests = 32;
constexpr std::size_t kMostSubrequests = 8;
constexpr std::size_t kMostTolerations = 16;
constexpr std::size_t kMostReservations = 256;

void check_toleration(FieldErrors& errors, const FieldPath& at,
                      const resourcev1::DeviceToleration& toleration) {
  if (!toleration.key.empty()) check_label_key(errors, at.child("key"), toleration.key);
  if (toleration.operator_ == "Exists") {
    if (!toleration.value.empty())
      errors.invalid(at.child("value"), toleration.value, "must be empty for operator `Exists`");
  } else if (toleration.operator_ == "Equal") {
    if (toleration.key.empty())
      errors.invalid(at.child("key"), toleration.key, "must be set for operator `Equal`");
    errors.invalid_each(at.child("value"), toleration.value, label_value(toleration.value));
  } else if (toleration.operator_.empty()) {
    errors.required(at.child("operator"));
  } else {
    errors.not_supported(at.child("operator"), toleration.operator_, {"Equal", "Exists"});
  }
  if (!toleration.effect.empty() && toleration.effect != "NoExecute" &&
      toleration.effect != "NoSchedule" && toleration.effect != "None") {
    errors.not_supported(at.child("effect"), toleration.effect,
                         {"NoExecute", "NoSchedule", "None"});
  }
}

// An exact request or one of several that are tried in turn.
template <class Request>
void check_request(FieldErrors& errors, const FieldPath& at, const Request& request) {
  if (request.device_class_name.empty()) {
    errors.required(at.child("deviceClassName"));
  } else {
    check_dns1123_subdomain(errors, at.child("deviceClassName"), request.device_class_name);
  }
  check_device_selectors(errors, at.child("selectors"), request.selectors);
  if (request.allocation_mode == "ExactCount") {
    if (request.count <= 0)
      errors.invalid(at.child("count"), request.count, "must be greater than zero");
  } else if (request.allocation_mode == "All") {
    if (request.count != 0) {
      errors.invalid(at.child("count"), request.count,
                     "must not be specified when allocationMode is 'All'");
    }
  } else {
    errors.not_supported(at.child("allocationMode"), request.allocation_mode,
                         {"All", "ExactCount"});
  }
  const FieldPath tolerations = at.child("tolerations");
  if (request.tolerations.size() > kMostTolerations)
    errors.too_many(tolerations, request.tolerations.size(), kMostTolerations);
  for (std::size_t i = 0; i < request.tolerations.size(); ++i) {
    check_toleration(errors, tolerations.index(i), request.tolerations[i]);
  }
}

// The names that constraints and configurations may use.
using Names = std::set<std::string>;

void check_request_name(FieldErrors& errors, const FieldPath& at, const std::string& name) {
  if (name.empty()) return errors.required(at);
  check_dns1123_label(errors, at, name);
}

void check_requests(FieldErrors& errors, const FieldPath& at, const resourcev1::DeviceClaim& claim,
                    Names& names) {
  if (claim.requests.size() > kMostRequests)
    errors.too_many(at, claim.requests.size(), kMostRequests);
  for (std::size_t i = 0; i < claim.requests.size(); ++i) {
    const auto& request = claim.requests[i];
    const FieldPath here = at.index(i);
    check_request_name(errors, here.child("name"), request.name);
    if (request.exactly && !request.first_available.empty()) {
      errors.invalid(
          here, Value(nullptr),
          "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set");
    } else if (request.exactly) {
      check_request(errors, here.child("exactly"), *request.exactly);
    } else if (request.first_available.empty()) {
      errors.required(here, "exactly one of `exactly` or `firstAvailable` is required");
    }
    const FieldPath list = here.child("firstAvailable");
    if (request.first_available.size() > kMostSubrequests) {
      errors.too_many(list, request.first_available.size(), kMostSubrequests);
    }
    Names seen;
    for (std::size_t k = 0; k < request.first_available.size(); ++k) {
      const auto& sub = request.first_available[k];
      check_request_name(errors, list.index(k).child("name"), sub.name);
      check_request(errors, list.index(k), sub);
      if (!sub.name.empty() && !seen.insert(sub.name).second)
        errors.duplicate(list.index(k), sub.name);
      names.insert(cat(request.name, "/", sub.name));
    }
    if (!request.name.empty() && !names.insert(request.name).second)
      errors.duplicate(here, request.name);
  }
}

void check_references(FieldErrors& errors, const FieldPath& at,
                      const std::vector<std::string>& requests, const Names& names) {
  if (requests.size() > kMostRequests) errors.too_many(at, requests.size(), kMostRequests);
  Names seen;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!names.contains(requests[i])) {
      errors.invalid(at.index(i), requests[i],
                     "must be the name of a request in the claim or the name of a request and a "
                     "subrequest separated by '/'");
    }
    if (!seen.insert(requests[i]).second) errors.duplicate(at.index(i), requests[i]);
  }
}

void check_devices(FieldErrors& errors, const FieldPath& at, const resourcev1::DeviceClaim& claim) {
  Names names;
  check_requests(errors, at.child("requests"), claim, names);
  const FieldPath constraints = at.child("constraints");
  if (claim.constraints.size() > kMostRequests)
    errors.too_many(constraints, claim.constraints.size(), kMostRequests);
  for (std::size_t i = 0; i < claim.constraints.size(); ++i) {
    const auto& constraint = claim.constraints[i];
    const FieldPath here = constraints.index(i);
    check_references(errors, here.child("requests"), constraint.requests, names);
    if (constraint.match_attribute.has_value() == constraint.distinct_attribute.has_value()) {
      errors.required(here,
                      "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but "
                      "multiple fields are set");
    } else if (constraint.match_attribute) {
      check_device_attribute_name(errors, here.child("matchAttribute"), *constraint.match_attribute,
                                  true);
    } else {
      check_device_attribute_name(errors, here.child("distinctAttribute"),
                                  *constraint.distinct_attribute, true);
    }
  }
  const FieldPath config = at.child("config");
  if (claim.config.size() > kMostRequests)
    errors.too_many(config, claim.config.size(), kMostRequests);
  for (std::size_t i = 0; i < claim.config.size(); ++i) {
    check_references(errors, config.index(i).child("requests"), claim.config[i].requests, names);
    check_device_configuration(errors, config.index(i), claim.config[i].device_configuration);
  }
}

void check_claim_status(FieldErrors& errors, const resourcev1::ResourceClaim& claim,
                        const resourcev1::ResourceClaim& old) {
  const FieldPath at("status");
  const FieldPath reserved = at.child("reservedFor");
  const auto& consumers = claim.status.reserved_for;
  if (consumers.size() > kMostReservations)
    errors.too_many(reserved, consumers.size(), kMostReservations);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < consumers.size(); ++i) {
    const FieldPath here = reserved.index(i);
    if (consumers[i].resource.empty()) errors.required(here.child("resource"));
    if (consumers[i].name.empty()) errors.required(here.child("name"));
    if (consumers[i].uid.empty()) errors.required(here.child("uid"));
    if (!seen.insert(consumers[i].uid).second)
      errors.duplicate(here.child("uid"), consumers[i].uid);
  }
  if (!claim.status.allocation && !consumers.empty()) {
    errors.forbidden(reserved, "may not be specified when `allocated` is not set");
  }
  const bool both = claim.status.allocation && old.status.allocation;
  if (both && !api::equal(*claim.status.allocation, *old.status.allocation)) {
    errors.invalid(at.child("allocation"), go_value(claim.status.allocation), kImmutable);
  }
  if (!claim.metadata.deletion_timestamp || consumers.size() <= old.status.reserved_for.size())
    return;
  errors.forbidden(
      reserved,
      "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set");
}

}  // namespace

void validate(FieldErrors& errors, const resourcev1::ResourceClaim& claim, const Context&) {
  check_metadata(errors, claim.metadata, true, subdomain_name);
  check_devices(errors, FieldPath("spec").child("devices"), claim.spec.devices);
}

void validate_change(FieldErrors& errors, const resourcev1::ResourceClaim& claim,
                     const resourcev1::ResourceClaim& old, const Context& context) {
  check_metadata_update(errors, claim.metadata, old.metadata);
  if (context.is_status) return check_claim_status(errors, claim, old);
  if (!api::equal(claim.spec, old.spec))
    errors.invalid(FieldPath("spec"), go_value(claim.spec), kImmutable);
}

void validate(FieldErrors& errors, const resourcev1::ResourceClaimTemplate& claim, const Context&) {
  check_metadata(errors, claim.metadata, true, subdomain_name);
  const FieldPath at("spec");
  check_labels(errors, at.child("metadata", "labels"), claim.spec.metadata.labels);
  check_annotations(errors, at.child("metadata", "annotations"), claim.spec.metadata.annotations);
  check_devices(errors, at.child("spec", "devices"), claim.spec.spec.devices);
}

void validate_change(FieldErrors& errors, const resourcev1::ResourceClaimTemplate& claim,
                     const resourcev1::ResourceClaimTemplate& old, const Context&) {
  check_metadata_update(errors, claim.metadata, old.metadata);
  if (!api::equal(claim.spec, old.spec))
    errors.invalid(FieldPath("spec"), go_value(claim.spec), kImmutable);
}

void validate(FieldErrors& errors, const resourcev1::DeviceClass& device, const Context&) {
  check_metadata(errors, device.metadata, false, subdomain_name);
  const FieldPath at("spec");
  check_device_selectors(errors, at.child("selectors"), device.spec.selectors);
  const FieldPath config = at.child("config");
  if (device.spec.config.size() > kMostRequests)
    errors.too_many(config, device.spec.config.size(), kMostRequests);
  for (std::size_t i = 0; i < device.spec.config.size(); ++i) {
    check_device_configuration(errors, config.index(i), device.spec.config[i].device_configuration);
  }
}

}  // namespace kpp::validation
