// What a configuration may not hold. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "kubelet/config/configuration.h"
#include "linux/cgroups.h"

namespace kpp::kubelet {

// Values that contradict themselves or each other, as the original says it, and values that ask for
// what this kubelet does not do: each is named. kInvalid.
Status validate_configuration(const Configuration& config);

// What of the machine the configuration does not put up with: swap (unless failSwapOn is false),
// and cgroups of version 1 if failCgroupV1 is given as true. kInvalid, in the original's words.
Status check_machine(const Configuration& config, bool swap_on, sys::CgroupVersion cgroups);

// Fields that were given, are not at their default, and change nothing here.
std::vector<std::string> fields_without_effect(const json::Object& document);

}  // namespace kpp::kubelet
