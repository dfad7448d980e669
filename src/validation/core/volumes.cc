#include "validation/core/volumes.h"

#include <algorithm>
#include <set>

#include "validation/core/volume_sources.h"
#include "validation/formats.h"
#include "validation/metadata.h"

namespace kpp::validation {
namespace {

const corev1::Volume* find_volume(const std::vector<corev1::Volume>& volumes,
                                  std::string_view name) {
  const auto found =
      std::find_if(volumes.begin(), volumes.end(), [&](const auto& v) { return v.name == name; });
  return found == volumes.end() ? nullptr : &*found;
}

void check_propagation(FieldErrors& errors, const FieldPath& at, const std::string& mode,
                       const corev1::Container& container) {
  if (mode != "None" && mode != "HostToContainer" && mode != "Bidirectional") {
    errors.not_supported(at, mode, {"Bidirectional", "HostToContainer", "None"});
  }
  const bool privileged =
      container.security_context && container.security_context->privileged.value_or(false);
  if (mode == "Bidirectional" && !privileged) {
    errors.forbidden(at,
                     "Bidirectional mount propagation is available only to privileged containers");
  }
}

void check_recursive_read_only(FieldErrors& errors, const FieldPath& at,
                               const corev1::VolumeMount& mount) {
  if (!mount.recursive_read_only) return;
  const std::string& mode = *mount.recursive_read_only;
  if (mode == "Disabled") return;
  if (mode != "Enabled" && mode != "IfPossible") {
    errors.not_supported(at, mode, {"Disabled", "Enabled", "IfPossible"});
    return;
  }
  if (!mount.read_only) errors.forbidden(at, "may only be specified when readOnly is true");
  if (mount.mount_propagation && *mount.mount_propagation != "None") {
    errors.forbidden(at, "may only be specified when mountPropagation is None or not specified");
  }
}

}  // namespace

void check_no_backsteps(FieldErrors& errors, const FieldPath& at, std::string_view path) {
  std::string_view rest = path;
  for (;;) {
    const std::size_t slash = rest.find('/');
    if (rest.substr(0, slash) == "..") return errors.invalid(at, path, "must not contain '..'");
    if (slash == std::string_view::npos) return;
    rest.remove_prefix(slash + 1);
  }
}

void check_descending_path(FieldErrors& errors, const FieldPath& at, std::string_view path) {
  if (path.starts_with('/')) errors.invalid(at, path, "must be a relative path");
  check_no_backsteps(errors, at, path);
}

void check_file_path(FieldErrors& errors, const FieldPath& at, std::string_view path) {
  check_descending_path(errors, at, path);
  // Files that begin with ".." are those that the volume's writer keeps for itself.
  if (path.starts_with("..") && !path.starts_with("../") && path != "..") {
    errors.invalid(at, path, "must not start with '..'");
  }
}

void check_mode(FieldErrors& errors, const FieldPath& at, const std::optional<std::int32_t>& mode) {
  if (mode && (*mode > 0777 || *mode < 0)) {
    errors.invalid(at, *mode, "must be a number between 0 and 0777 (octal), both inclusive");
  }
}

void check_volumes(FieldErrors& errors, const FieldPath& at,
                   const std::vector<corev1::Volume>& volumes) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const corev1::Volume& volume = volumes[i];
    const FieldPath here = at.index(i);
    const std::size_t before = errors.size();
    check_volume_source(errors, here, volume);
    if (volume.name.empty()) {
      errors.required(here.child("name"));
    } else {
      check_dns1123_label(errors, here.child("name"), volume.name);
    }
    if (names.contains(volume.name)) errors.duplicate(here.child("name"), volume.name);
    if (errors.size() == before) names.insert(volume.name);
  }
}

void check_volume_mounts(FieldErrors& errors, const FieldPath& at,
                         const corev1::Container& container,
                         const std::vector<corev1::Volume>& volumes) {
  std::set<std::string_view> paths;
  for (std::size_t i = 0; i < container.volume_mounts.size(); ++i) {
    const corev1::VolumeMount& mount = container.volume_mounts[i];
    const FieldPath here = at.index(i);
    if (mount.name.empty()) errors.required(here.child("name"));
    const corev1::Volume* volume = find_volume(volumes, mount.name);
    if (!volume) errors.not_found(here.child("name"), mount.name);
    if (mount.mount_path.empty()) errors.required(here.child("mountPath"));
    if (!paths.insert(mount.mount_path).second)
      errors.invalid(here.child("mountPath"), mount.mount_path, "must be unique");
    for (const corev1::VolumeDevice& device : container.volume_devices) {
      if (device.name == mount.name) {
        errors.invalid(here.child("name"), mount.name, "must not already exist in volumeDevices");
      }
      if (device.device_path == mount.mount_path) {
        errors.invalid(here.child("mountPath"), mount.mount_path,
                       "must not already exist as a path in volumeDevices");
      }
    }
    if (!mount.sub_path.empty()) check_descending_path(errors, at.child("subPath"), mount.sub_path);
    if (!mount.sub_path_expr.empty()) {
      if (!mount.sub_path.empty()) {
        errors.invalid(here.child("subPathExpr"), mount.sub_path_expr,
                       "subPathExpr and subPath are mutually exclusive");
      }
      check_descending_path(errors, at.child("subPathExpr"), mount.sub_path_expr);
    }
    if (mount.mount_propagation)
      check_propagation(errors, at.child("mountPropagation"), *mount.mount_propagation, container);
    check_recursive_read_only(errors, here.child("recursiveReadOnly"), mount);
  }
}

void check_volume_devices(FieldErrors& errors, const FieldPath& at,
                          const corev1::Container& container,
                          const std::vector<corev1::Volume>& volumes) {
  std::set<std::string_view> names;
  std::set<std::string_view> paths;
  for (std::size_t i = 0; i < container.volume_devices.size(); ++i) {
    const corev1::VolumeDevice& device = container.volume_devices[i];
    const FieldPath here = at.index(i);
    const corev1::Volume* volume = find_volume(volumes, device.name);
    if (device.name.empty()) errors.required(here.child("name"));
    if (names.contains(device.name))
      errors.invalid(here.child("name"), device.name, "must be unique");
    if (volume && !volume->volume_source.persistent_volume_claim &&
        !volume->volume_source.ephemeral) {
      errors.invalid(
          here.child("name"), device.name,
          "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
    }
    if (!volume) errors.not_found(here.child("name"), device.name);
    if (device.device_path.empty()) errors.required(here.child("devicePath"));
    if (paths.contains(device.device_path))
      errors.invalid(here.child("devicePath"), device.device_path, "must be unique");
    if (!device.device_path.empty())
      check_no_backsteps(errors, at.child("devicePath"), device.device_path);
    names.insert(device.name);
    paths.insert(device.device_path);
    for (const corev1::VolumeMount& mount : container.volume_mounts) {
      if (mount.name == device.name) {
        errors.invalid(here.child("name"), device.name, "must not already exist in volumeMounts");
      }
      if (mount.mount_path == device.device_path) {
        errors.invalid(here.child("devicePath"), device.device_path,
                       "must not already exist as a path in volumeMounts");
      }
    }
  }
}

}  // namespace kpp::validation
