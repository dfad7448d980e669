// Pods from the node's own files: what makes one of a manifest, and how the API shows it. Pure
// functions.
#pragma once

#include <string>
#include <string_view>

#include "api/corev1.h"
#include "base/clock.h"
#include "base/status.h"

namespace kpp::kubelet {

namespace annotation {
inline constexpr const char* kConfigHash = "kubernetes.io/config.hash";
inline constexpr const char* kConfigMirror = "kubernetes.io/config.mirror";
inline constexpr const char* kConfigSource = "kubernetes.io/config.source";
inline constexpr const char* kConfigSeen = "kubernetes.io/config.seen";
}  // namespace annotation

// The pod of a manifest (YAML or JSON): defaulted, named after the node, with a uid that depends on
// nothing but the manifest, the file's name and the node, so that the next kubelet knows it again.
// Errors: kInvalid, what is wrong with the manifest in the words of the API.
Result<corev1::Pod> static_pod(std::string_view manifest, const std::string& file,
                               const std::string& node_name, WallTime seen);

bool is_static(const corev1::Pod& pod);
bool is_mirror(const corev1::Pod& pod);
// What stands for a static pod in the API. It belongs to the node.
corev1::Pod mirror_of(const corev1::Pod& pod, const std::string& node_uid);
// True if the object in the API stands for this very pod.
bool mirrors(const corev1::Pod& mirror, const corev1::Pod& pod);

}  // namespace kpp::kubelet
