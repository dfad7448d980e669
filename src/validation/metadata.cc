#include "validation/metadata.h"

#include <algorithm>
#include <array>

#include "validation/go_value.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

constexpr std::size_t kAnnotationsBytes = 256UL * 1024;

// With generateName a suffix of letters follows the last '-'.
std::string masked(std::string_view name, bool prefix) {
  if (!prefix || !name.ends_with('-') || name.size() < 2) return std::string(name);
  return cat(name.substr(0, name.size() - 2), "a");
}

void check_owner(FieldErrors& errors, const FieldPath& at, const metav1::OwnerReference& owner) {
  const std::size_t slash = owner.api_version.find('/');
  const std::string version =
      slash == std::string::npos ? owner.api_version : owner.api_version.substr(slash + 1);
  const std::string group = slash == std::string::npos ? "" : owner.api_version.substr(0, slash);
  if (version.empty())
    errors.invalid(at.child("apiVersion"), owner.api_version, "version must not be empty");
  if (owner.kind.empty()) errors.invalid(at.child("kind"), owner.kind, "must not be empty");
  if (owner.name.empty()) errors.invalid(at.child("name"), owner.name, "must not be empty");
  if (owner.uid.empty()) errors.invalid(at.child("uid"), owner.uid, "must not be empty");
  if (group.empty() && version == "v1" && owner.kind == "Event") {
    errors.invalid(at, go_value(owner), "/v1, Kind=Event is disallowed from being an owner");
  }
}

void check_owners(FieldErrors& errors, const FieldPath& at,
                  const std::vector<metav1::OwnerReference>& owners) {
  const metav1::OwnerReference* controller = nullptr;
  for (const metav1::OwnerReference& owner : owners) {
    check_owner(errors, at, owner);
    if (!owner.controller.value_or(false)) continue;
    if (controller) {
      std::string list = "[";
      for (const metav1::OwnerReference& each : owners) {
        list += cat(list.size() > 1 ? "," : "", go_json(metav1::OwnerReference::desc(), &each));
      }
      errors.invalid(
          at, Value::raw(list + "]"),
          cat("Only one reference can have Controller set to true. Found \"true\" in references "
              "for ",
              controller->kind, "/", controller->name, " and ", owner.kind, "/", owner.name));
    }
    controller = &owner;
  }
}

void check_finalizers(FieldErrors& errors, const FieldPath& at,
                      const std::vector<std::string>& finalizers) {
  bool orphan = false;
  bool foreground = false;
  for (const std::string& finalizer : finalizers) {
    errors.invalid_each(at, finalizer, qualified_name(finalizer));
    orphan = orphan || finalizer == "orphan";
    foreground = foreground || finalizer == "foregroundDeletion";
  }
  if (orphan && foreground) {
    errors.invalid(at, finalizers, "finalizer orphan and foregroundDeletion cannot be both set");
  }
}

// Names without a domain are kept to those that the system knows.
void check_finalizer_names(FieldErrors& errors, const FieldPath& at,
                           const std::vector<std::string>& finalizers) {
  static constexpr std::array<std::string_view, 3> kStandard = {"kubernetes", "orphan",
                                                                "foregroundDeletion"};
  for (std::size_t i = 0; i < finalizers.size(); ++i) {
    const std::string& finalizer = finalizers[i];
    if (!qualified_name(finalizer).empty() || finalizer.find('/') != std::string::npos) continue;
    if (std::find(kStandard.begin(), kStandard.end(), finalizer) != kStandard.end()) continue;
    errors.invalid(at.index(i), finalizer,
                   "name is neither a standard finalizer name nor is it fully qualified");
  }
}

void check_managed_fields(FieldErrors& errors, const FieldPath& at,
                          const std::vector<metav1::ManagedFieldsEntry>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const metav1::ManagedFieldsEntry& entry = fields[i];
    const FieldPath here = at.index(i);
    if (entry.operation != "Apply" && entry.operation != "Update") {
      errors.invalid(here.child("operation"), entry.operation, "must be `Apply` or `Update`");
    }
    if (!entry.fields_type.empty() && entry.fields_type != "FieldsV1") {
      errors.invalid(here.child("fieldsType"), entry.fields_type, "must be `FieldsV1`");
    }
    if (entry.manager.size() > 128) errors.too_long(here.child("manager"), 128);
    if (entry.subresource.size() > 256) errors.too_long(here.child("subresource"), 256);
  }
}

Value time_value(const std::optional<api::Time>& time) {
  return time ? Value(time->to_string()) : Value(nullptr);
}

}  // namespace

Messages subdomain_name(std::string_view name, bool prefix) {
  return dns1123_subdomain(masked(name, prefix));
}
Messages label_name(std::string_view name, bool prefix) {
  return dns1123_label(masked(name, prefix));
}
Messages dns1035_name(std::string_view name, bool prefix) {
  return dns1035_label(masked(name, prefix));
}
Messages segment_name(std::string_view name, bool prefix) {
  if (!prefix) return path_segment_name(name);
  Messages out;
  for (const char c : {'/', '%'}) {
    if (name.find(c) != std::string_view::npos) out.push_back(cat("may not contain '", c, "'"));
  }
  return out;
}

void check_annotations(FieldErrors& errors, const FieldPath& at,
                       const std::map<std::string, std::string>& annotations) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations) {
    errors.invalid_each(at, key, qualified_name(lower(key)));
    bytes += key.size() + value.size();
  }
  if (bytes > kAnnotationsBytes) errors.too_long(at, kAnnotationsBytes);
}

void check_dns1123_label(FieldErrors& errors, const FieldPath& at, std::string_view text) {
  errors.invalid_each(at, text, dns1123_label(text));
}

void check_dns1123_subdomain(FieldErrors& errors, const FieldPath& at, std::string_view text) {
  errors.invalid_each(at, text, dns1123_subdomain(text));
}

void check_not_negative(FieldErrors& errors, const FieldPath& at, std::int64_t value) {
  if (value < 0) errors.invalid(at, value, kAtLeastZero);
}

void check_metadata(FieldErrors& errors, const metav1::ObjectMeta& metadata, bool namespaced,
                    NameCheck name_check, const FieldPath& at) {
  if (!metadata.generate_name.empty()) {
    errors.invalid_each(at.child("generateName"), metadata.generate_name,
                        name_check(metadata.generate_name, true));
  }
  if (metadata.name.empty()) {
    // A generated name is set before objects are checked; what is missing here was never asked for.
    if (metadata.generate_name.empty())
      errors.required(at.child("name"), "name or generateName is required");
  } else {
    errors.invalid_each(at.child("name"), metadata.name, name_check(metadata.name, false));
  }
  if (namespaced) {
    if (metadata.namespace_.empty()) {
      errors.required(at.child("namespace"));
    } else {
      errors.invalid_each(at.child("namespace"), metadata.namespace_,
                          dns1123_label(metadata.namespace_));
    }
  } else if (!metadata.namespace_.empty()) {
    errors.forbidden(at.child("namespace"), "not allowed on this type");
  }
  check_not_negative(errors, at.child("generation"), metadata.generation);
  check_labels(errors, at.child("labels"), metadata.labels);
  check_annotations(errors, at.child("annotations"), metadata.annotations);
  check_owners(errors, at.child("ownerReferences"), metadata.owner_references);
  check_finalizers(errors, at.child("finalizers"), metadata.finalizers);
  check_managed_fields(errors, at.child("managedFields"), metadata.managed_fields);
  check_finalizer_names(errors, at.child("finalizers"), metadata.finalizers);
}

void check_metadata_update(FieldErrors& errors, const metav1::ObjectMeta& metadata,
                           const metav1::ObjectMeta& old, const FieldPath& at) {
  if (old.deletion_timestamp) {
    std::vector<std::string> added;
    for (const std::string& finalizer : metadata.finalizers) {
      if (!contains(old.finalizers, finalizer)) added.push_back(finalizer);
    }
    std::sort(added.begin(), added.end());
    if (!added.empty()) {
      std::string list;
      for (const std::string& name : added) list += cat(list.empty() ? "" : ", ", quoted(name));
      errors.forbidden(at.child("finalizers"),
                       cat("no new finalizers can be added if the object is being deleted, found "
                           "new finalizers []string{",
                           list, "}"));
    }
  }
  if (metadata.generation < old.generation) {
    errors.invalid(at.child("generation"), metadata.generation, "must not be decremented");
  }
  check_immutable(errors, at.child("name"), metadata.name, old.name);
  check_immutable(errors, at.child("namespace"), metadata.namespace_, old.namespace_);
  check_immutable(errors, at.child("uid"), metadata.uid, old.uid);
  if (!(metadata.creation_timestamp == old.creation_timestamp)) {
    errors.invalid(at.child("creationTimestamp"), metadata.creation_timestamp.to_string(),
                   kImmutable);
  }
  if (metadata.deletion_timestamp != old.deletion_timestamp) {
    errors.invalid(at.child("deletionTimestamp"), time_value(metadata.deletion_timestamp),
                   kImmutable);
  }
  if (metadata.deletion_grace_period_seconds != old.deletion_grace_period_seconds) {
    errors.invalid(at.child("deletionGracePeriodSeconds"), metadata.deletion_grace_period_seconds,
                   kImmutable);
  }
  check_labels(errors, at.child("labels"), metadata.labels);
  check_annotations(errors, at.child("annotations"), metadata.annotations);
  check_owners(errors, at.child("ownerReferences"), metadata.owner_references);
  check_managed_fields(errors, at.child("managedFields"), metadata.managed_fields);
}

}  // namespace kpp::validation
