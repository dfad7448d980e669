// Numbers that may be given as a percentage.
#pragma once

#include <optional>

#include "api/types.h"

namespace kpp::controllers {

enum class Rounding { kUp, kDown };

// An absent value is 0; text that is no percentage counts as 0%.
std::int32_t scaled(const std::optional<api::IntOrString>& value, std::int32_t of,
                    Rounding rounding);

}  // namespace kpp::controllers
