// Which commit the server was built from.
#pragma once

#include <string_view>

namespace kpp::apiserver {

// 40 hexadecimal digits.
std::string_view build_commit();

}  // namespace kpp::apiserver
