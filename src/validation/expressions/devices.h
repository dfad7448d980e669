// Expressions that choose devices.
#pragma once

#include <string>
#include <string_view>

namespace kpp::validation {

// What is wrong with an expression over `device`; empty: nothing.
std::string device_expression_error(std::string_view expression);

}  // namespace kpp::validation
