// Spans of time as Go writes them: "1h2m3.5s", "300ms", "0s".
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace kpp {

// Errors: kInvalid with Go's text (`time: invalid duration "5x"`). A span that does not fit is
// invalid too.
Result<Duration> parse_go_duration(std::string_view text);

}  // namespace kpp
