// Namespaces.
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

void check_finalizer(FieldErrors& errors, const FieldPath& at, const std::string& name) {
  errors.invalid_each(at, name, qualified_name(name));
  if (!errors.empty()) return;
  if (name.find('/') == std::string::npos && name != "kubernetes" && name != "orphan" &&
      name != "foregroundDeletion") {
    errors.invalid(at, name, "name is neither a standard finalizer name nor is it fully qualified");
  }
}

}  // namespace

void validate(FieldErrors& errors, const corev1::Namespace& space, const Context&) {
  check_metadata(errors, space.metadata, false, label_name);
  for (const std::string& name : space.spec.finalizers) {
    FieldErrors wrong;
    check_finalizer(wrong, FieldPath("spec").child("finalizers"), name);
    errors.append(std::move(wrong));
  }
}

void validate_change(FieldErrors& errors, const corev1::Namespace& space,
                     const corev1::Namespace& old, const Context& context) {
  check_metadata_update(errors, space.metadata, old.metadata);
  if (context.subresource == "finalize") {
    for (std::size_t i = 0; i < space.spec.finalizers.size(); ++i) {
      FieldErrors wrong;
      check_finalizer(wrong, FieldPath("spec").child("finalizers").index(i),
                      space.spec.finalizers[i]);
      errors.append(std::move(wrong));
    }
    return;
  }
  if (!context.is_status) return;
  const FieldPath phase = FieldPath("status").child("Phase");
  if (!space.metadata.deletion_timestamp) {
    if (space.status.phase != "Active") {
      errors.invalid(phase, space.status.phase,
                     "may only be 'Active' if `deletionTimestamp` is empty");
    }
  } else if (space.status.phase != "Terminating") {
    errors.invalid(phase, space.status.phase,
                   "may only be 'Terminating' if `deletionTimestamp` is not empty");
  }
}

}  // namespace kpp::validation
