// The text forms of times and durations.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cel/value.h"

namespace kpp::cel {

// RFC 3339.
std::optional<Timestamp> parse_timestamp(std::string_view text);
std::string format_timestamp(const Timestamp& time);
// As Go writes them: "1h30m", "-1.5s", "250ms".
std::optional<Duration> parse_duration(std::string_view text);
// In seconds: "5400s", "0.25s".
std::string format_duration(const Duration& duration);
// The years that the language has: 1 to 9999.
bool in_range(const Timestamp& time);

}  // namespace kpp::cel
