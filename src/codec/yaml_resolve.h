// What a plain YAML 1.1 scalar means.
#pragma once

#include <string_view>

#include "codec/json.h"

namespace kpp::yaml {

// The value of an untagged plain scalar: null, a bool, a number or the text itself. NaN and
// infinities come as doubles.
json::Value resolve_plain(std::string_view text);
// True if a reader would take the plain text for something else than a string.
bool plain_is_no_string(std::string_view text);

}  // namespace kpp::yaml
