#include "validation/core/volume_claims.h"

#include <algorithm>

#include "api/json_codec.h"
#include "validation/core/resources.h"
#include "validation/diff.h"
#include "validation/formats.h"
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

template <class Reference>
void check_data_source(FieldErrors& errors, const FieldPath& at, const Reference& source) {
  if (source.name.empty()) errors.required(at.child("name"));
  if (source.kind.empty()) errors.required(at.child("kind"));
  const std::string group = source.api_group.value_or("");
  if (group.empty() && source.kind != "PersistentVolumeClaim") {
    errors.invalid(at, source.kind,
                   "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  if (!group.empty()) errors.invalid_each(at.child("apiGroup"), group, dns1123_subdomain(group));
}

// What may not change of a bound claim: all but its size and its attributes class.
corev1::PersistentVolumeClaimSpec fixed_part(const corev1::PersistentVolumeClaim& claim) {
  corev1::PersistentVolumeClaimSpec out = claim.spec;
  out.resources = {};
  out.volume_attributes_class_name.reset();
  return out;
}

}  // namespace

void check_access_modes(FieldErrors& errors, const FieldPath& at,
                        const std::vector<std::string>& modes) {
  bool once_pod = false;
  for (const std::string& mode : modes) {
    once_pod = once_pod || mode == "ReadWriteOncePod";
    if (mode != "ReadWriteOnce" && mode != "ReadOnlyMany" && mode != "ReadWriteMany" &&
        mode != "ReadWriteOncePod") {
      errors.not_supported(at, mode,
                           {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"});
    }
  }
  if (once_pod && modes.size() > 1) {
    errors.forbidden(at, "may not use ReadWriteOncePod with other access modes");
  }
}

void check_claim_spec(FieldErrors& errors, const FieldPath& at,
                      const corev1::PersistentVolumeClaimSpec& spec) {
  if (spec.access_modes.empty())
    errors.required(at.child("accessModes"), "at least 1 access mode is required");
  if (spec.selector) check_selector(errors, at.child("selector"), *spec.selector);
  check_access_modes(errors, at.child("accessModes"), spec.access_modes);
  const auto storage = spec.resources.requests.find("storage");
  if (storage == spec.resources.requests.end()) {
    errors.required(at.child("resources").key("storage"));
  } else if (amount_of(storage->second).sign() <= 0) {
    errors.invalid(at.child("resources").key("storage"), storage->second,
                   "must be greater than zero");
  } else {
    check_resource_quantity(errors, at.child("resources").key("storage"), "storage",
                            storage->second);
  }
  if (spec.storage_class_name && !spec.storage_class_name->empty()) {
    errors.invalid_each(at.child("storageClassName"), *spec.storage_class_name,
                        dns1123_subdomain(*spec.storage_class_name));
  }
  if (spec.volume_mode && *spec.volume_mode != "Block" && *spec.volume_mode != "Filesystem") {
    errors.not_supported(at.child("volumeMode"), *spec.volume_mode, {"Block", "Filesystem"});
  }
  if (spec.data_source) check_data_source(errors, at.child("dataSource"), *spec.data_source);
  if (spec.data_source_ref)
    check_data_source(errors, at.child("dataSourceRef"), *spec.data_source_ref);
  if (spec.volume_attributes_class_name && !spec.volume_attributes_class_name->empty()) {
    errors.invalid_each(at.child("volumeAttributesClassName"), *spec.volume_attributes_class_name,
                        dns1123_subdomain(*spec.volume_attributes_class_name));
  }
  if (spec.data_source && spec.data_source_ref &&
      (spec.data_source->name != spec.data_source_ref->name ||
       spec.data_source->kind != spec.data_source_ref->kind)) {
    errors.invalid(at, at.child("dataSource").to_string(),
                   cat("must match ", at.child("dataSourceRef").to_string()));
  }
}

void check_claim_template(FieldErrors& errors, const FieldPath& at,
                          const corev1::PersistentVolumeClaimTemplate& claim) {
  check_annotations(errors, at.child("metadata", "annotations"), claim.metadata.annotations);
  check_labels(errors, at.child("metadata", "labels"), claim.metadata.labels);
  check_claim_spec(errors, at.child("spec"), claim.spec);
}

void validate(FieldErrors& errors, const corev1::PersistentVolumeClaim& claim, const Context&) {
  check_metadata(errors, claim.metadata, true, subdomain_name);
  check_claim_spec(errors, FieldPath("spec"), claim.spec);
}

void validate_change(FieldErrors& errors, const corev1::PersistentVolumeClaim& claim,
                     const corev1::PersistentVolumeClaim& old, const Context& context) {
  check_metadata_update(errors, claim.metadata, old.metadata);
  if (context.is_status) {
    if (claim.spec.access_modes.empty()) errors.required(FieldPath("spec").child("accessModes"));
    for (const auto& [name, quantity] : claim.status.capacity) {
      check_resource_quantity(errors, FieldPath("status").child("capacity").key(name), name,
                              quantity);
    }
    return;
  }
  validate(errors, claim, context);
  const FieldPath at("spec");
  corev1::PersistentVolumeClaimSpec now = fixed_part(claim);
  corev1::PersistentVolumeClaimSpec before = fixed_part(old);
  if (old.spec.volume_name.empty() && !now.volume_name.empty())
    before.volume_name = now.volume_name;
  // A class may be given later to a claim that has none.
  if (!before.storage_class_name && now.storage_class_name)
    before.storage_class_name = now.storage_class_name;
  if (!api::equal(now, before)) {
    corev1::PersistentVolumeClaimSpec shown = now;
    shown.resources = claim.spec.resources;
    before.resources = claim.spec.resources;
    const auto text = [](const corev1::PersistentVolumeClaimSpec& spec) {
      return go_json_indented(corev1::PersistentVolumeClaimSpec::desc(), &spec);
    };
    errors.forbidden(at, cat("spec is immutable after creation except resources.requests and "
                             "volumeAttributesClassName for bound claims\n",
                             unified_diff(text(before), text(shown))));
  }
  const auto size_of = [](const corev1::PersistentVolumeClaim& c) {
    const auto found = c.spec.resources.requests.find("storage");
    return found == c.spec.resources.requests.end() ? api::Quantity("0") : found->second;
  };
  const api::Amount size = amount_of(size_of(claim));
  const api::Amount old_size = amount_of(size_of(old));
  if (size != old_size && old.status.phase != "Bound") {
    corev1::PersistentVolumeClaimSpec was = claim.spec;
    was.resources = old.spec.resources;
    const auto text = [](const corev1::PersistentVolumeClaimSpec& spec) {
      return go_json_indented(corev1::PersistentVolumeClaimSpec::desc(), &spec);
    };
    errors.forbidden(at, cat("spec is immutable after creation except resources.requests and "
                             "volumeAttributesClassName for bound claims\n",
                             unified_diff(text(was), text(claim.spec))));
  } else if (size < old_size) {
    const auto allocated = old.status.capacity.find("storage");
    if (allocated == old.status.capacity.end() || size <= amount_of(allocated->second)) {
      errors.forbidden(at.child("resources", "requests").child("storage"),
                       "field can not be less than status.capacity");
    }
  }
  if (claim.spec.volume_mode != old.spec.volume_mode) {
    errors.invalid(at.child("volumeMode"), claim.spec.volume_mode, kImmutable);
  }
}

}  // namespace kpp::validation
