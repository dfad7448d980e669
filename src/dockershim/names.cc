#include "dockershim/names.h"

#include <charconv>
#include <vector>

#include "base/cat.h"

namespace kpp::dockershim {
namespace {

constexpr std::string_view kPrefix = "k8s";
constexpr std::string_view kSandbox = "POD";

bool is_own(std::string_view key) {
  return key == label::kType || key == label::kSandboxId || key == label::kLogPath ||
         key == label::kPorts;
}

}  // namespace

std::string sandbox_name(const cri::PodSandboxMetadata& pod) {
  return cat(kPrefix, "_", kSandbox, "_", pod.name, "_", pod.namespace_, "_", pod.uid, "_",
             pod.attempt);
}

std::string container_name(const cri::PodSandboxMetadata& pod,
                           const cri::ContainerMetadata& container) {
  return cat(kPrefix, "_", container.name, "_", pod.name, "_", pod.namespace_, "_", pod.uid, "_",
             container.attempt);
}

std::optional<ContainerName> parse_name(std::string_view name) {
  if (name.starts_with('/')) name.remove_prefix(1);
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = name.find('_');
    parts.push_back(name.substr(0, end));
    if (end == std::string_view::npos) break;
    name.remove_prefix(end + 1);
  }
  if ((parts.size() != 6 && parts.size() != 7) || parts[0] != kPrefix) return std::nullopt;
  ContainerName out{std::string(parts[1]), std::string(parts[2]), std::string(parts[3]),
                    std::string(parts[4])};
  const std::string_view attempt = parts[5];
  const auto read = std::from_chars(attempt.data(), attempt.data() + attempt.size(), out.attempt);
  if (read.ec != std::errc() || read.ptr != attempt.data() + attempt.size()) return std::nullopt;
  return out;
}

Labels to_docker_labels(const Labels& labels, const Labels& annotations, std::string_view type) {
  Labels out = labels;
  for (const auto& [key, value] : annotations) out[cat(label::kAnnotationPrefix, key)] = value;
  out[std::string(label::kType)] = type;
  return out;
}

KubernetesLabels from_docker_labels(const Labels& docker) {
  KubernetesLabels out;
  for (const auto& [key, value] : docker) {
    if (is_own(key)) continue;
    if (key.starts_with(label::kAnnotationPrefix)) {
      out.annotations[key.substr(label::kAnnotationPrefix.size())] = value;
    } else {
      out.labels[key] = value;
    }
  }
  return out;
}

}  // namespace kpp::dockershim
