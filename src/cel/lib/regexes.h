// Regular expressions in RE2's syntax, which is Go's; linear in time.
#pragma once

#include <memory>
#include <string>

namespace re2 {
class RE2;
}

namespace kpp::cel {

// The compiled expression, kept for the next use in this thread; its error() says what is wrong.
std::shared_ptr<const re2::RE2> compiled_regex(const std::string& pattern);

}  // namespace kpp::cel
