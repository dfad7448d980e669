// StorageClasses.
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

void check_class(FieldErrors& errors, const storagev1::StorageClass& object) {
  if (object.provisioner.empty()) {
    errors.required(FieldPath("provisioner"));
  } else {
    errors.invalid_each(FieldPath("provisioner"), object.provisioner,
                        qualified_name(lower(object.provisioner)));
  }
  std::size_t bytes = 0;
  for (const auto& [key, value] : object.parameters) {
    if (key.empty()) errors.invalid(FieldPath("parameters"), key, "field can not be empty.");
    bytes += key.size() + value.size();
  }
  if (object.parameters.size() > 512) errors.too_long(FieldPath("parameters"), 512);
  if (bytes > 262144) errors.too_long(FieldPath("parameters"), 262144);
  if (object.reclaim_policy && *object.reclaim_policy != "Delete" &&
      *object.reclaim_policy != "Retain") {
    errors.not_supported(FieldPath("reclaimPolicy"), *object.reclaim_policy, {"Delete", "Retain"});
  }
  if (!object.volume_binding_mode) {
    errors.required(FieldPath("volumeBindingMode"));
  } else if (*object.volume_binding_mode != "Immediate" &&
             *object.volume_binding_mode != "WaitForFirstConsumer") {
    errors.not_supported(FieldPath("volumeBindingMode"), *object.volume_binding_mode,
                         {"Immediate", "WaitForFirstConsumer"});
  }
  for (std::size_t i = 0; i < object.allowed_topologies.size(); ++i) {
    const auto& expressions = object.allowed_topologies[i].match_label_expressions;
    for (std::size_t k = 0; k < expressions.size(); ++k) {
      const FieldPath here =
          FieldPath("allowedTopologies").index(i).child("matchLabelExpressions").index(k);
      check_label_key(errors, here.child("key"), expressions[k].key);
      if (expressions[k].values.empty()) errors.required(here.child("values"));
    }
  }
}

}  // namespace

void validate(FieldErrors& errors, const storagev1::StorageClass& object, const Context&) {
  check_metadata(errors, object.metadata, false, subdomain_name);
  check_class(errors, object);
}

void validate_change(FieldErrors& errors, const storagev1::StorageClass& object,
                     const storagev1::StorageClass& old, const Context&) {
  check_metadata_update(errors, object.metadata, old.metadata);
  check_immutable(errors, FieldPath("parameters"), object.parameters, old.parameters);
  check_immutable(errors, FieldPath("provisioner"), object.provisioner, old.provisioner);
  check_immutable(errors, FieldPath("reclaimPolicy"), object.reclaim_policy, old.reclaim_policy);
  check_immutable(errors, FieldPath("volumeBindingMode"), object.volume_binding_mode,
                  old.volume_binding_mode);
  check_class(errors, object);
}

}  // namespace kpp::validation
