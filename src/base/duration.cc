#include "base/duration.h"

#include <charconv>
#include <optional>

namespace kpp {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
// Longer names first where one begins with another.
constexpr Unit kUnits[] = {
    {"ns", 1},         {"us", 1'000},        {"\u00b5s", 1'000},    {"\u03bcs", 1'000},
    {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000},
};

std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const bool digits = !text.empty() && (text[0] == '.' || (text[0] >= '0' && text[0] <= '9'));
  if (!digits) return std::nullopt;
  const auto done = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (done.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(done.ptr - text.data()));
  return number;
}

std::optional<std::int64_t> take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.nanos;
  }
  return std::nullopt;
}

}  // namespace

Result<Duration> parse_go_duration(std::string_view text) {
  const auto invalid = [&] {
    return fail(Reason::kInvalid, cat("time: invalid duration ", quoted(text)));
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return Duration::zero();
  if (rest.empty()) return invalid();
  double nanos = 0;
  while (!rest.empty()) {
    const auto number = take_number(rest);
    if (!number) return invalid();
    if (rest.empty()) {
      return fail(Reason::kInvalid, cat("time: missing unit in duration ", quoted(text)));
    }
    const auto unit = take_unit(rest);
    if (!unit) return invalid();
    nanos += *number * static_cast<double>(*unit);
  }
  if (nanos >= 9.2e18) return invalid();
  const auto whole = static_cast<std::int64_t>(nanos);
  return Duration(negative ? -whole : whole);
}

}  // namespace kpp
