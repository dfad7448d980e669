// The text forms of metav1.Time and metav1.MicroTime, with the errors of the original's time
// parser.
#pragma once

#include <string>
#include <string_view>

#include "api/types.h"
#include "base/status.h"

namespace kpp::api {

// "2026-01-02T15:04:05Z", appended.
void append_time(std::string& out, const Time& time);
// "2026-01-02T15:04:05.000000Z", appended.
void append_micro_time(std::string& out, const MicroTime& time);

// Errors: kBadRequest, e.g.: parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as
// "2006".
Result<Time> parse_time(std::string_view text);
Result<MicroTime> parse_micro_time(std::string_view text);

}  // namespace kpp::api
