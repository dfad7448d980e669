// Names and passwords for registries, from the secrets that a pod names. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/corev1.h"
#include "api/cri.h"

namespace kpp::kubelet {

// Those that fit the image, the most particular first. Secrets of other types and entries that
// cannot be read are passed over.
std::vector<cri::AuthConfig> credentials_for(
    const std::string& image, const std::vector<std::shared_ptr<const corev1::Secret>>& secrets);

// Whether an entry of a configuration ("https://registry.example/v1/", "*.example.com/team") is
// about the image.
bool entry_fits(std::string_view entry, std::string_view image);

}  // namespace kpp::kubelet
