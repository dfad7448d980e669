#include "kubelet/container/volume_mounts.h"

#include <algorithm>

namespace kpp::kubelet {
namespace {

bool goes_up(const std::string& path) {
  return path == ".." || path.starts_with("../") || path.ends_with("/..") ||
         path.find("/../") != std::string::npos;
}

bool asks(const corev1::VolumeMount& mount) {
  return mount.recursive_read_only.value_or("Disabled") != "Disabled";
}

}  // namespace

std::int32_t propagation_of(const corev1::VolumeMount& mount) {
  const std::string mode = mount.mount_propagation.value_or("");
  if (mode == "HostToContainer") return cri::PROPAGATION_HOST_TO_CONTAINER;
  if (mode == "Bidirectional") return cri::PROPAGATION_BIDIRECTIONAL;
  return cri::PROPAGATION_PRIVATE;
}

bool asks_for_recursive_read_only(const corev1::Container& container) {
  return std::any_of(container.volume_mounts.begin(), container.volume_mounts.end(), asks);
}

Result<bool> recursive_read_only(const corev1::VolumeMount& mount, bool runtime_can) {
  if (!asks(mount)) return false;
  const std::string head =
      cat("volume ", quoted(mount.name), " requested recursive read-only mode, but it is not ");
  if (!mount.read_only) return fail(Reason::kInvalid, cat(head, "read-only"));
  const std::string propagation = mount.mount_propagation.value_or("None");
  if (propagation != "None") {
    return fail(Reason::kInvalid, cat(head, "compatible with propagation ", quoted(propagation)));
  }
  if (*mount.recursive_read_only == "IfPossible") return runtime_can;
  if (!runtime_can) return fail(Reason::kInvalid, cat(head, "supported by the runtime"));
  return true;
}

bool can_recursive_read_only(const cri::StatusResponse& runtime) {
  return std::any_of(runtime.runtime_handlers.begin(), runtime.runtime_handlers.end(),
                     [](const cri::RuntimeHandler& handler) {
                       return handler.name.empty() && handler.features &&
                              handler.features->recursive_read_only_mounts;
                     });
}

Status check_subpath(const std::string& path) {
  if (path.starts_with("/"))
    return {Reason::kInvalid, cat("error SubPath `", path, "` must not be an absolute path")};
  if (goes_up(path)) {
    return {Reason::kInvalid,
            cat("unable to provision SubPath `", path, "`: must not contain '..'")};
  }
  return {};
}

}  // namespace kpp::kubelet
