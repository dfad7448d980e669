#include "kubelet/eviction/local_storage.h"

#include "base/cat.h"
#include "kubelet/container/resources.h"

namespace kpp::kubelet {
namespace {

constexpr const char* kStorage = "ephemeral-storage";

std::int64_t used(const std::map<std::string, std::int64_t>& by_name, const std::string& name) {
  const auto it = by_name.find(name);
  return it == by_name.end() ? 0 : it->second;
}

const api::Quantity* size_limit(const corev1::Volume& volume) {
  const auto& directory = volume.volume_source.empty_dir;
  if (!directory || !directory->size_limit || quantity_value(*directory->size_limit) <= 0)
    return nullptr;
  return &*directory->size_limit;
}

}  // namespace

bool limits_local_storage(const corev1::Pod& pod) {
  for (const auto& volume : pod.spec.volumes) {
    if (size_limit(volume)) return true;
  }
  return pod_resources(pod).limits.contains(kStorage);
}

std::optional<std::string> exceeded_storage(const corev1::Pod& pod, const LocalUsage& usage) {
  for (const auto& volume : pod.spec.volumes) {
    const auto* limit = size_limit(volume);
    if (limit && used(usage.volumes, volume.name) > quantity_value(*limit)) {
      return cat("Usage of EmptyDir volume ", quoted(volume.name), " exceeds the limit ",
                 quoted(limit->text), ". ");
    }
  }
  const PodResources total = pod_resources(pod);
  if (const auto limit = total.limits.find(kStorage); limit != total.limits.end()) {
    std::int64_t sum = 0;
    for (const auto& [name, bytes] : usage.containers) sum += bytes;
    for (const auto& volume : pod.spec.volumes) {
      const auto& directory = volume.volume_source.empty_dir;
      if (directory && directory->medium == "Memory") continue;
      sum += used(usage.volumes, volume.name);
    }
    if (sum > quantity_value(limit->second)) {
      return cat("Pod ephemeral local storage usage exceeds the total limit of containers ",
                 limit->second.text, ". ");
    }
  }
  for (const auto& container : pod.spec.containers) {
    const auto limit = container.resources.limits.find(kStorage);
    if (limit == container.resources.limits.end() || quantity_value(limit->second) <= 0) continue;
    if (used(usage.containers, container.name) > quantity_value(limit->second)) {
      return cat("Container ", container.name, " exceeded its local ephemeral storage limit ",
                 quoted(limit->second.text), ". ");
    }
  }
  return std::nullopt;
}

}  // namespace kpp::kubelet
