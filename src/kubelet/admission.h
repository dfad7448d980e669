// Whether the node takes a pod that it was given.
#pragma once

#include <optional>
#include <vector>

#include "kubelet/images.h"
#include "kubelet/pod_deps.h"

namespace kpp::kubelet {

// Why the node does not take the pod; nullopt if it does. `others` are the pods that the node has
// taken and that have not ended. Reasons and messages are those of Kubernetes.
std::optional<StartError> refusal_of(const corev1::Pod& pod, const std::vector<PodRef>& others,
                                     const NodeFacts& node, const NodeLabels& labels);

// The parts that a change of resources is held to: what the node has in all, and what is left of
// it.
std::optional<StartError> refused_capacity(const corev1::Pod& pod, const NodeFacts& node);
std::optional<StartError> refused_resources(const corev1::Pod& pod,
                                            const std::vector<PodRef>& others,
                                            const NodeFacts& node);

}  // namespace kpp::kubelet
