// CSI drivers, the nodes and attachments they serve, and the capacity they tell.
#include <set>

#include "validation/amounts.h"
#include "validation/core/volume_sources.h"
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

void check_driver(FieldErrors& errors, const storagev1::CSIDriverSpec& spec) {
  const FieldPath at("spec");
  if (!spec.attach_required) errors.required(at.child("attachedRequired"));
  if (!spec.pod_info_on_mount) errors.required(at.child("podInfoOnMount"));
  if (!spec.storage_capacity) errors.required(at.child("storageCapacity"));
  if (spec.fs_group_policy && *spec.fs_group_policy != "File" && *spec.fs_group_policy != "None" &&
      *spec.fs_group_policy != "ReadWriteOnceWithFSType") {
    errors.not_supported(at.child("fsGroupPolicy"), *spec.fs_group_policy,
                         {"File", "None", "ReadWriteOnceWithFSType"});
  }
  std::set<std::string_view> audiences;
  for (std::size_t i = 0; i < spec.token_requests.size(); ++i) {
    const storagev1::TokenRequest& request = spec.token_requests[i];
    const FieldPath here = at.child("tokenRequests").index(i);
    if (!audiences.insert(request.audience).second) {
      errors.duplicate(here.child("audience"), request.audience);
      continue;
    }
    if (!request.expiration_seconds) continue;
    if (*request.expiration_seconds < 600) {
      errors.invalid(here.child("expirationSeconds"), *request.expiration_seconds,
                     "may not specify a duration less than 10 minutes");
    }
    if (*request.expiration_seconds > (1LL << 32)) {
      errors.invalid(here.child("expirationSeconds"), *request.expiration_seconds,
                     "may not specify a duration larger than 2^32 seconds");
    }
  }
  for (const std::string& mode : spec.volume_lifecycle_modes) {
    if (mode != "Persistent" && mode != "Ephemeral") {
      errors.not_supported(at.child("volumeLifecycleModes"), mode, {"Persistent", "Ephemeral"});
    }
  }
}

void check_node(FieldErrors& errors, const storagev1::CSINodeSpec& spec) {
  const FieldPath at = FieldPath("spec").child("drivers");
  std::set<std::string> names;
  for (std::size_t i = 0; i < spec.drivers.size(); ++i) {
    const storagev1::CSINodeDriver& driver = spec.drivers[i];
    const FieldPath here = at.index(i);
    check_csi_driver_name(errors, here.child("name"), driver.name);
    if (driver.node_id.empty()) errors.required(here.child("nodeID"));
    if (driver.node_id.size() > 256) {
      errors.invalid(here.child("nodeID"), driver.node_id,
                     cat("must be ", 256, " characters or less"));
    }
    if (driver.allocatable && driver.allocatable->count) {
      check_not_negative(errors, here.child("allocatable", "count"), *driver.allocatable->count);
    }
    if (names.contains(driver.name)) errors.duplicate(here.child("name"), driver.name);
    names.insert(driver.name);
    std::set<std::string_view> keys;
    for (const std::string& key : driver.topology_keys) {
      if (key.empty()) errors.required(here);
      if (!keys.insert(key).second) errors.duplicate(here, key);
      errors.invalid_each(here, key, qualified_name(key));
    }
  }
}

}  // namespace

void validate(FieldErrors& errors, const storagev1::CSIDriver& driver, const Context&) {
  check_metadata(errors, driver.metadata, false, subdomain_name);
  if (driver.metadata.name.size() > 63) errors.too_long(FieldPath("metadata").child("name"), 63);
  check_driver(errors, driver.spec);
}

void validate_change(FieldErrors& errors, const storagev1::CSIDriver& driver,
                     const storagev1::CSIDriver& old, const Context&) {
  check_metadata_update(errors, driver.metadata, old.metadata);
  check_driver(errors, driver.spec);
  const FieldPath at("spec");
  check_immutable(errors, at.child("attachedRequired"), driver.spec.attach_required,
                  old.spec.attach_required);
  check_immutable(errors, at.child("volumeLifecycleModes"), driver.spec.volume_lifecycle_modes,
                  old.spec.volume_lifecycle_modes);
}

void validate(FieldErrors& errors, const storagev1::CSINode& node, const Context&) {
  check_metadata(errors, node.metadata, false, subdomain_name);
  check_node(errors, node.spec);
}

void validate_change(FieldErrors& errors, const storagev1::CSINode& node,
                     const storagev1::CSINode& old, const Context& context) {
  check_metadata_update(errors, node.metadata, old.metadata);
  validate(errors, node, context);
}

void validate(FieldErrors& errors, const storagev1::CSIStorageCapacity& capacity, const Context&) {
  check_metadata(errors, capacity.metadata, true, subdomain_name);
  if (capacity.node_topology)
    check_selector(errors, FieldPath("nodeTopology"), *capacity.node_topology);
  check_dns1123_subdomain(errors, FieldPath("storageClassName"), capacity.storage_class_name);
  const auto amount = [&](std::string_view field, const std::optional<api::Quantity>& quantity) {
    if (quantity && amount_of(*quantity).sign() < 0)
      errors.invalid(FieldPath(field), *quantity, kAtLeastZero);
  };
  amount("capacity", capacity.capacity);
  amount("maximumVolumeSize", capacity.maximum_volume_size);
}

void validate_change(FieldErrors& errors, const storagev1::CSIStorageCapacity& capacity,
                     const storagev1::CSIStorageCapacity& old, const Context& context) {
  check_metadata_update(errors, capacity.metadata, old.metadata);
  validate(errors, capacity, context);
  check_immutable(errors, FieldPath("storageClassName"), capacity.storage_class_name,
                  old.storage_class_name);
}

void validate(FieldErrors& errors, const storagev1::VolumeAttachment& attachment, const Context&) {
  check_metadata(errors, attachment.metadata, false, subdomain_name);
  const FieldPath at("spec");
  check_csi_driver_name(errors, at.child("attacher"), attachment.spec.attacher);
  const storagev1::VolumeAttachmentSource& source = attachment.spec.source;
  if (!source.inline_volume_spec && !source.persistent_volume_name) {
    errors.required(at.child("source"),
                    "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  } else if (source.inline_volume_spec && source.persistent_volume_name) {
    errors.forbidden(at.child("source"),
                     "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  } else if (source.persistent_volume_name) {
    check_dns1123_subdomain(errors, at.child("source", "persistentVolumeName"),
                            *source.persistent_volume_name);
  }
  check_dns1123_subdomain(errors, at.child("nodeName"), attachment.spec.node_name);
}

void validate_change(FieldErrors& errors, const storagev1::VolumeAttachment& attachment,
                     const storagev1::VolumeAttachment& old, const Context& context) {
  check_metadata_update(errors, attachment.metadata, old.metadata);
  validate(errors, attachment, context);
  if (go_value(attachment.spec).text() != go_value(old.spec).text()) {
    errors.invalid(FieldPath("spec"), go_value(attachment.spec), "field is immutable");
  }
}

void validate(FieldErrors& errors, const storagev1::VolumeAttributesClass& object, const Context&) {
  check_metadata(errors, object.metadata, false, subdomain_name);
  if (object.driver_name.empty()) {
    errors.required(FieldPath("driverName"));
  } else {
    errors.invalid_each(FieldPath("driverName"), lower(object.driver_name),
                        qualified_name(lower(object.driver_name)));
  }
  if (object.parameters.empty()) {
    errors.required(FieldPath("parameters"), "must contain at least one key/value pair");
  }
}

void validate_change(FieldErrors& errors, const storagev1::VolumeAttributesClass& object,
                     const storagev1::VolumeAttributesClass& old, const Context&) {
  check_metadata_update(errors, object.metadata, old.metadata);
  check_immutable(errors, FieldPath("driverName"), object.driver_name, old.driver_name);
  check_immutable(errors, FieldPath("parameters"), object.parameters, old.parameters);
}

}  // namespace kpp::validation
