// $(NAME) references in commands, arguments and environment values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace kpp::kubelet {

// The value of a name, or nothing if it is not known.
using Lookup = std::function<std::optional<std::string>(const std::string& name)>;

// Replaces $(NAME) by its value; $$ stands for $; references to unknown names stay as they are.
std::string expand(std::string_view text, const Lookup& lookup);

// The names that the text refers to and that are not known or empty, sorted.
std::set<std::string> missing_names(std::string_view text, const Lookup& lookup);

}  // namespace kpp::kubelet
