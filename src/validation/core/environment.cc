#include "validation/core/environment.h"

#include <algorithm>
#include <array>
#include <span>

#include "validation/amounts.h"
#include "validation/formats.h"

namespace kpp::validation {
namespace {

using Names = std::span<const std::string_view>;

bool has(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Paths of a pod that references may name at all.
constexpr std::array<std::string_view, 18> kPodPaths = {"metadata.annotations",
                                                        "metadata.labels",
                                                        "metadata.name",
                                                        "metadata.namespace",
                                                        "metadata.uid",
                                                        "spec.host",
                                                        "spec.hostNetwork",
                                                        "spec.nodeName",
                                                        "spec.restartPolicy",
                                                        "spec.schedulerName",
                                                        "spec.serviceAccountName",
                                                        "status.hostIP",
                                                        "status.hostIPs",
                                                        "status.nominatedNodeName",
                                                        "status.phase",
                                                        "status.podIP",
                                                        "status.podIPs",
                                                        ""};
constexpr std::array<std::string_view, 9> kEnvironmentPaths = {"metadata.name",
                                                               "metadata.namespace",
                                                               "metadata.uid",
                                                               "spec.nodeName",
                                                               "spec.serviceAccountName",
                                                               "status.hostIP",
                                                               "status.hostIPs",
                                                               "status.podIP",
                                                               "status.podIPs"};
constexpr std::array<std::string_view, 5> kVolumePaths = {"metadata.annotations", "metadata.labels",
                                                          "metadata.name", "metadata.namespace",
                                                          "metadata.uid"};
constexpr std::array<std::string_view, 6> kResourcePaths = {
    "limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory"};

void check_divisor(FieldErrors& errors, const FieldPath& at, std::string_view resource,
                   const api::Quantity& divisor) {
  static constexpr std::array<std::string_view, 2> kCpu = {"1m", "1"};
  static constexpr std::array<std::string_view, 13> kBytes = {
      "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
  if (divisor.text.empty() || divisor.text == "0") return;
  const std::string_view name = resource.substr(resource.find('.') + 1);
  const bool cpu = name == "cpu";
  const Names allowed = cpu ? Names(kCpu) : Names(kBytes);
  if (has(allowed, divisor.text)) return;
  const std::string_view what = cpu                           ? "cpu resource"
                                : name == "memory"            ? "memory resource"
                                : name == "ephemeral-storage" ? "local ephemeral storage resource"
                                                              : "hugepages resource";
  std::string list(cpu ? "1m and 1" : join(kBytes, ", "));
  errors.invalid(at.child("divisor"), resource,
                 cat("only divisor's values ", list, " are supported with the ", what));
}

template <class Selector>
void check_key_selector(FieldErrors& errors, const FieldPath& at, const Selector& selector) {
  errors.invalid_each(at.child("name"), selector.local_object_reference.name,
                      dns1123_subdomain(selector.local_object_reference.name));
  if (selector.key.empty()) {
    errors.required(at.child("key"));
  } else {
    errors.invalid_each(at.child("key"), selector.key, config_key(selector.key));
  }
}

void check_file_key(FieldErrors& errors, const FieldPath& at,
                    const corev1::FileKeySelector& selector) {
  if (selector.key.empty()) {
    errors.required(at.child("key"));
  } else {
    errors.invalid_each(at.child("key"), selector.key, environment_name(selector.key));
  }
  if (selector.volume_name.empty()) {
    errors.required(at.child("volumeName"));
  } else {
    errors.invalid_each(at.child("volumeName"), selector.volume_name,
                        dns1123_label(selector.volume_name));
  }
  if (selector.path.empty()) errors.required(at.child("path"));
}

void check_source(FieldErrors& errors, const FieldPath& at, const corev1::EnvVar& variable) {
  const corev1::EnvVarSource& from = *variable.value_from;
  int sources = 0;
  if (from.field_ref) {
    ++sources;
    check_pod_field(errors, at.child("fieldRef"), *from.field_ref, false);
  }
  if (from.resource_field_ref) {
    ++sources;
    check_resource_field(errors, at.child("resourceFieldRef"), *from.resource_field_ref, false);
  }
  if (from.config_map_key_ref) {
    ++sources;
    check_key_selector(errors, at.child("configMapKeyRef"), *from.config_map_key_ref);
  }
  if (from.secret_key_ref) {
    ++sources;
    check_key_selector(errors, at.child("secretKeyRef"), *from.secret_key_ref);
  }
  if (from.file_key_ref) {
    ++sources;
    check_file_key(errors, at.child("fileKeyRef"), *from.file_key_ref);
  }
  if (sources == 0) {
    errors.invalid(at, "",
                   "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
                   "`secretKeyRef` or `fileKeyRef`");
  } else if (!variable.value.empty()) {
    errors.invalid(at, "", "may not be specified when `value` is not empty");
  } else if (sources > 1) {
    errors.invalid(at, "", "may not have more than one field specified at a time");
  }
}

}  // namespace

void check_pod_field(FieldErrors& errors, const FieldPath& at,
                     const corev1::ObjectFieldSelector& field, bool in_volume) {
  if (field.api_version.empty()) return errors.required(at.child("apiVersion"));
  if (field.field_path.empty()) return errors.required(at.child("fieldPath"));
  std::string path = field.field_path;
  std::string subscript;
  const std::size_t open = path.find("['");
  if (open != std::string::npos && path.ends_with("']")) {
    subscript = path.substr(open + 2, path.size() - open - 4);
    path.resize(open);
  }
  if (!has(kPodPaths, path)) {
    errors.invalid(at.child("fieldPath"), field.field_path,
                   cat("error converting fieldPath: field label not supported: ", path));
    return;
  }
  if (path == "spec.host") path = "spec.nodeName";
  if (open != std::string::npos) {
    if (path == "metadata.annotations") {
      errors.invalid_each(at, subscript, qualified_name(lower(subscript)));
    } else if (path == "metadata.labels") {
      errors.invalid_each(at, subscript, qualified_name(subscript));
    } else {
      errors.invalid(at, path, "does not support subscript");
    }
    return;
  }
  const Names supported = in_volume ? Names(kVolumePaths) : Names(kEnvironmentPaths);
  if (!has(supported, path)) errors.not_supported(at.child("fieldPath"), path, supported);
}

void check_resource_field(FieldErrors& errors, const FieldPath& at,
                          const corev1::ResourceFieldSelector& field, bool in_volume) {
  if (in_volume && field.container_name.empty()) {
    errors.required(at.child("containerName"));
  } else if (field.resource.empty()) {
    errors.required(at.child("resource"));
  } else if (!has(kResourcePaths, field.resource) &&
             !field.resource.starts_with("limits.hugepages-") &&
             !field.resource.starts_with("requests.hugepages-")) {
    errors.not_supported(at.child("resource"), field.resource, Names(kResourcePaths));
  }
  check_divisor(errors, at, field.resource, field.divisor);
}

void check_environment(FieldErrors& errors, const FieldPath& at,
                       const std::vector<corev1::EnvVar>& variables) {
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const corev1::EnvVar& variable = variables[i];
    const FieldPath here = at.index(i);
    if (variable.name.empty()) {
      errors.required(here.child("name"));
    } else {
      errors.invalid_each(here.child("name"), variable.name, environment_name(variable.name));
    }
    if (variable.value_from) check_source(errors, here.child("valueFrom"), variable);
  }
}

void check_environment_from(FieldErrors& errors, const FieldPath& at,
                            const std::vector<corev1::EnvFromSource>& sources) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const corev1::EnvFromSource& source = sources[i];
    const FieldPath here = at.index(i);
    if (!source.prefix.empty()) {
      errors.invalid_each(here.child("prefix"), source.prefix, environment_name(source.prefix));
    }
    int count = 0;
    const auto reference = [&](std::string_view field, const std::string& name) {
      ++count;
      const FieldPath there = here.child(field, "name");
      if (name.empty()) {
        errors.required(there);
      } else {
        errors.invalid_each(there, name, dns1123_subdomain(name));
      }
    };
    if (source.config_map_ref)
      reference("configMapRef", source.config_map_ref->local_object_reference.name);
    if (source.secret_ref) reference("secretRef", source.secret_ref->local_object_reference.name);
    if (count == 0) {
      errors.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`");
    } else if (count > 1) {
      errors.invalid(at, "", "may not have more than one field specified at a time");
    }
  }
}

}  // namespace kpp::validation
