// Reviews of access.
#include "validation/go_value.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

template <class Spec>
void check_attributes(FieldErrors& errors, const Spec& spec) {
  const FieldPath at("spec");
  if (spec.resource_attributes && spec.non_resource_attributes) {
    errors.invalid(at.child("nonResourceAttributes"), go_value(spec.non_resource_attributes),
                   "cannot be specified in combination with resourceAttributes");
  }
  if (!spec.resource_attributes && !spec.non_resource_attributes) {
    errors.invalid(at.child("resourceAttributes"), nullptr,
                   "exactly one of nonResourceAttributes or resourceAttributes must be specified");
  }
}

void check_subject(FieldErrors& errors, const authorizationv1::SubjectAccessReviewSpec& spec) {
  check_attributes(errors, spec);
  if (spec.user.empty() && spec.groups.empty()) {
    errors.invalid(FieldPath("spec").child("user"), spec.user,
                   "at least one of user or group must be specified");
  }
}

void check_no_metadata(FieldErrors& errors, const metav1::ObjectMeta& metadata) {
  if (!metadata.name.empty() || !metadata.namespace_.empty() || !metadata.labels.empty() ||
      !metadata.annotations.empty()) {
    errors.invalid(FieldPath("metadata"), go_value(metadata), "must be empty");
  }
}

}  // namespace

void validate(FieldErrors& errors, const authorizationv1::SelfSubjectAccessReview& review,
              const Context&) {
  check_attributes(errors, review.spec);
  check_no_metadata(errors, review.metadata);
}

void validate(FieldErrors& errors, const authorizationv1::SubjectAccessReview& review,
              const Context&) {
  check_subject(errors, review.spec);
  check_no_metadata(errors, review.metadata);
}

void validate(FieldErrors& errors, const authorizationv1::LocalSubjectAccessReview& review,
              const Context&) {
  check_subject(errors, review.spec);
  metav1::ObjectMeta metadata = review.metadata;
  metadata.namespace_.clear();
  check_no_metadata(errors, metadata);
  const FieldPath at("spec");
  if (review.spec.resource_attributes &&
      review.spec.resource_attributes->namespace_ != review.metadata.namespace_) {
    errors.invalid(at.child("resourceAttributes", "namespace"),
                   review.spec.resource_attributes->namespace_, "must match metadata.namespace");
  }
  if (review.spec.non_resource_attributes) {
    errors.invalid(at.child("nonResourceAttributes"), go_value(review.spec.non_resource_attributes),
                   "disallowed on this kind of request");
  }
}

}  // namespace kpp::validation
