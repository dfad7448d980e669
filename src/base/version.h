// What the binary says of itself.
#pragma once

#include <string_view>

namespace kpp {

// The Kubernetes API level that k++ serves.
inline constexpr std::string_view kKubernetesVersion = "v1.36.2";
inline constexpr std::string_view kKubernetesMajor = "1";
inline constexpr std::string_view kKubernetesMinor = "36";
inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace kpp
