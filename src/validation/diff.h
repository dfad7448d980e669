// Differences of texts, line by line.
#pragma once

#include <string>
#include <string_view>

namespace kpp::validation {

// The unified difference from `before` to `after` with three lines of context and no file header;
// empty if equal.
std::string unified_diff(std::string_view before, std::string_view after);

}  // namespace kpp::validation
