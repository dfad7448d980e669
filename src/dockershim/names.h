// How pods are found again in Docker: names and labels of containers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/cri.h"

namespace kpp::dockershim {

namespace label {
inline constexpr std::string_view kType = "io.kubernetes.docker.type";
inline constexpr std::string_view kTypeSandbox = "podsandbox";
inline constexpr std::string_view kTypeContainer = "container";
inline constexpr std::string_view kSandboxId = "io.kubernetes.sandbox.id";
inline constexpr std::string_view kLogPath = "io.kubernetes.container.logpath";
inline constexpr std::string_view kPorts = "io.kubernetes.sandbox.ports";
inline constexpr std::string_view kAnnotationPrefix = "annotation.";
}  // namespace label

// What the name of a container says: k8s_<container>_<pod>_<namespace>_<uid>_<attempt>.
struct ContainerName {
  std::string container;  // "POD" for a sandbox
  std::string pod, pod_namespace, uid;
  std::uint32_t attempt = 0;

  bool is_sandbox() const { return container == "POD"; }
  friend bool operator==(const ContainerName&, const ContainerName&) = default;
};

std::string sandbox_name(const cri::PodSandboxMetadata& pod);
std::string container_name(const cri::PodSandboxMetadata& pod,
                           const cri::ContainerMetadata& container);
// nullopt for a container that is none of ours. The slash that Docker puts in front, and a suffix
// behind the attempt, are accepted.
std::optional<ContainerName> parse_name(std::string_view name);

using Labels = std::map<std::string, std::string>;

// Labels and annotations as one set of labels of Docker's.
Labels to_docker_labels(const Labels& labels, const Labels& annotations, std::string_view type);
// The way back; our own labels are in neither.
struct KubernetesLabels {
  Labels labels, annotations;
};
KubernetesLabels from_docker_labels(const Labels& docker);

}  // namespace kpp::dockershim
