// The value of the label pod-template-hash.
#pragma once

#include <optional>
#include <string>

#include "api/corev1.h"

namespace kpp::controllers {

inline constexpr const char* kPodTemplateHash = "pod-template-hash";

// Equal templates have equal hashes; `collisions` makes another one when two templates meet in one.
std::string template_hash(const corev1::PodTemplateSpec& pod_template,
                          std::optional<std::int32_t> collisions);
// Equal but for the label pod-template-hash.
bool same_template(const corev1::PodTemplateSpec& a, const corev1::PodTemplateSpec& b);

}  // namespace kpp::controllers
