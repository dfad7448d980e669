// Compression of answers.
#pragma once

#include <string>
#include <string_view>

namespace kpp {

// The bytes as one gzip member; level 1 (fast) to 9 (small).
std::string gzip(std::string_view bytes, int level);

}  // namespace kpp
