// Programs of this machine with all that they need to run elsewhere.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace kpp::images {

// The shared libraries of a program and the loader, by ldd: absolute paths as the program asks for
// them. Empty for a static program. Errors: kNotFound names a library that is missing.
Result<std::vector<std::string>> libraries_of(const std::string& program);

// What ldd printed, read. "statically linked" and "not a dynamic executable" give none.
Result<std::vector<std::string>> parse_ldd(std::string_view text);

}  // namespace kpp::images
