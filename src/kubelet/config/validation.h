// What a configuration may not hold. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "kubelet/config/configuration.h"

namespace kpp::kubelet {

// Values that contradict themselves or each other, as the original says it, and values that ask for
// what this kubelet does not do: each is named. kInvalid.
Status validate_configuration(const Configuration& config);

// Fields that were given, are not at their default, and change nothing here.
std::vector<std::string> fields_without_effect(const json::Object& document);

}  // namespace kpp::kubelet
