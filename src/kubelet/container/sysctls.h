// Names of settings of the kernel, as pods write them. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kpp::kubelet {

// The name with dots between its parts, whichever separator it was given with.
std::string dotted_sysctl(std::string name);
// True if the name is one of the patterns, of which each is a name or a beginning with a * after
// it.
bool sysctl_listed(std::string_view name, const std::vector<std::string>& patterns);

}  // namespace kpp::kubelet
