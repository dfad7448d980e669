// Semantic versions as values.
#pragma once

#include <string_view>

#include "cel/value.h"

namespace kpp::cel {

// A failure if the text is no version. Normalized texts may have a leading v, leading zeros and
// missing parts.
Value semver_value(std::string_view text, bool normalize = false);

}  // namespace kpp::cel
