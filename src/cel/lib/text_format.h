// "%s is %d".format([...]).
#pragma once

#include <string>

#include "cel/value.h"

namespace kpp::cel {

// The text with its clauses filled in; a failure if they do not fit the values.
Value format_text(const std::string& format, const List& args);

}  // namespace kpp::cel
