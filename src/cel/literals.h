// The values of literals in source form.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cel/value.h"

namespace kpp::cel {

// A text or bytes literal with its quotes and prefix; nullopt if an escape is wrong.
std::optional<Value> text_literal(std::u32string_view literal);
// Numbers; nullopt if out of range. `text` may begin with a minus.
std::optional<Value> int_literal(std::string_view text);
std::optional<Value> uint_literal(std::string_view text);  // with its suffix
std::optional<Value> double_literal(std::string_view text);

}  // namespace kpp::cel
