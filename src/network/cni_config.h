// What the container runtime reads to give pods their links.
#pragma once

#include <string>

#include "base/status.h"
#include "linux/links.h"

namespace kpp::network {

inline constexpr const char* kBridge = "cni0";

// A chain of the standard plugins: bridge with addresses of this range, host ports.
std::string cni_config(const sys::Ipv4Network& pods, int mtu);

// Puts it into place, whole; leaves a file alone that is like it already. True if it was written.
Result<bool> write_cni_config(const std::string& path, const std::string& text);

}  // namespace kpp::network
