// The schedules of CronJobs: five fields or a descriptor.
#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/cat.h"
#include "validation/batch/jobs.h"
#include "validation/formats.h"

namespace kpp::validation {
namespace {

struct Bounds {
  int low, high;
  std::vector<std::string_view> names;  // from `low` on
};

const std::array<Bounds, 5>& bounds() {
  static const std::array<Bounds, 5> kBounds = {{
      {0, 59, {}},
      {0, 23, {}},
      {1, 31, {}},
      {1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
      {0, 6, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
  }};
  return kBounds;
}

std::string parse_number(std::string_view text, const Bounds& bound, int& value) {
  const std::string name = lower(text);
  const auto named = std::find(bound.names.begin(), bound.names.end(), name);
  if (named != bound.names.end()) {
    value = bound.low + static_cast<int>(named - bound.names.begin());
    return {};
  }
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) {
    return cat("failed to parse int from ", text, ": strconv.Atoi: parsing ", quoted(text),
               ": invalid syntax");
  }
  if (value < 0) return cat("negative number (", value, ") not allowed: ", text);
  return {};
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::string range_problem(std::string_view text, const Bounds& bound) {
  const std::vector<std::string_view> parts = split(text, '/');
  const std::vector<std::string_view> ends = split(parts[0], '-');
  int first = bound.low;
  int last = bound.high;
  if (ends[0] != "*" && ends[0] != "?") {
    if (std::string problem = parse_number(ends[0], bound, first); !problem.empty()) return problem;
    if (ends.size() == 1) {
      last = first;
    } else if (ends.size() == 2) {
      if (std::string problem = parse_number(ends[1], bound, last); !problem.empty())
        return problem;
    } else {
      return cat("too many hyphens: ", text);
    }
  }
  int step = 1;
  if (parts.size() == 2) {
    if (std::string problem = parse_number(parts[1], Bounds{0, 0, {}}, step); !problem.empty())
      return problem;
    if (ends.size() == 1) last = bound.high;
  } else if (parts.size() > 2) {
    return cat("too many slashes: ", text);
  }
  if (first < bound.low)
    return cat("beginning of range (", first, ") below minimum (", bound.low, "): ", text);
  if (last > bound.high)
    return cat("end of range (", last, ") above maximum (", bound.high, "): ", text);
  if (first > last)
    return cat("beginning of range (", first, ") beyond end of range (", last, "): ", text);
  if (step == 0) return cat("step of range should be a positive number: ", text);
  return {};
}

// What Go's time.ParseDuration says.
std::string duration_problem(std::string_view whole) {
  static constexpr std::array<std::string_view, 8> kUnits = {"ns", "us", "\xc2\xb5s", "\xce\xbcs",
                                                             "ms", "s",  "m",         "h"};
  std::string_view text = whole;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return {};
  if (text.empty()) return cat("time: invalid duration ", quoted(whole));
  while (!text.empty()) {
    std::size_t number = 0;
    bool digit = false;
    while (number < text.size() &&
           ((text[number] >= '0' && text[number] <= '9') || text[number] == '.')) {
      digit = digit || text[number] != '.';
      ++number;
    }
    if (!digit) return cat("time: invalid duration ", quoted(whole));
    text.remove_prefix(number);
    std::size_t unit = 0;
    while (unit < text.size() && text[unit] != '.' && !(text[unit] >= '0' && text[unit] <= '9'))
      ++unit;
    if (unit == 0) return cat("time: missing unit in duration ", quoted(whole));
    if (std::find(kUnits.begin(), kUnits.end(), text.substr(0, unit)) == kUnits.end()) {
      return cat("time: unknown unit ", quoted(text.substr(0, unit)), " in duration ",
                 quoted(whole));
    }
    text.remove_prefix(unit);
  }
  return {};
}

}  // namespace

std::string schedule_problem(std::string_view schedule) {
  if (schedule.starts_with('@')) {
    static constexpr std::array<std::string_view, 7> kKnown = {
        "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"};
    if (std::find(kKnown.begin(), kKnown.end(), schedule) != kKnown.end()) return {};
    constexpr std::string_view kEvery = "@every ";
    if (schedule.starts_with(kEvery)) {
      const std::string problem = duration_problem(schedule.substr(kEvery.size()));
      return problem.empty() ? problem : cat("failed to parse duration ", schedule, ": ", problem);
    }
    return cat("unrecognized descriptor: ", schedule);
  }
  std::vector<std::string_view> fields = split(schedule, ' ');
  std::erase_if(fields, [](std::string_view field) { return field.empty(); });
  if (fields.size() != 5) {
    return cat("expected exactly 5 fields, found ", fields.size(), ": [", join(fields, " "), "]");
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    for (std::string_view part : split(fields[i], ',')) {
      if (part.empty()) continue;
      if (std::string problem = range_problem(part, bounds()[i]); !problem.empty()) return problem;
    }
  }
  return {};
}

}  // namespace kpp::validation
