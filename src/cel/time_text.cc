#include "cel/time_text.h"

#include <array>
#include <limits>

#include "api/time_text.h"
#include "base/cat.h"

namespace kpp::cel {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
constexpr std::array kUnits = {Unit{"ns", 1},
                               Unit{"us", 1000},
                               Unit{"\u00B5s", 1000},
                               Unit{"\u03BCs", 1000},
                               Unit{"ms", 1'000'000},
                               Unit{"s", kNanosPerSecond},
                               Unit{"m", 60 * kNanosPerSecond},
                               Unit{"h", 3600 * kNanosPerSecond}};

// Fractions of a second without trailing zeros: ".25"; empty for none.
std::string fraction_text(std::int64_t nanos) {
  if (nanos == 0) return "";
  std::string digits = cat(kNanosPerSecond + nanos).substr(1);
  while (digits.back() == '0') digits.pop_back();
  return "." + digits;
}

}  // namespace

std::optional<Timestamp> parse_timestamp(std::string_view text) {
  const auto time = api::parse_time(text);
  if (!time) return std::nullopt;
  return Timestamp{time->seconds, time->nanos};
}

std::string format_timestamp(const Timestamp& time) {
  std::string out;
  api::append_time(out, api::Time(time.seconds, 0));
  out.pop_back();
  return cat(out, fraction_text(time.nanos), "Z");
}

std::optional<Duration> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return Duration{};
  if (text.empty()) return std::nullopt;
  __extension__ using Wide = __int128;
  Wide total = 0;
  while (!text.empty()) {
    Wide whole = 0;
    Wide fraction = 0;
    Wide scale = 1;
    std::size_t digits = 0;
    bool point = false;
    std::size_t i = 0;
    for (; i < text.size() && (text[i] == '.' || (text[i] >= '0' && text[i] <= '9')); ++i) {
      if (text[i] == '.') {
        if (point) return std::nullopt;
        point = true;
        continue;
      }
      ++digits;
      if (!point) {
        whole = whole * 10 + (text[i] - '0');
        if (whole > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
      } else if (scale < kNanosPerSecond * 1'000'000) {
        fraction = fraction * 10 + (text[i] - '0');
        scale *= 10;
      }
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(i);
    const Unit* unit = nullptr;
    for (const Unit& each : kUnits) {
      if (text.starts_with(each.name) && (unit == nullptr || each.name.size() > unit->name.size()))
        unit = &each;
    }
    if (unit == nullptr) return std::nullopt;
    text.remove_prefix(unit->name.size());
    if (!text.empty() && text[0] != '.' && (text[0] < '0' || text[0] > '9')) return std::nullopt;
    total += whole * unit->nanos + fraction * unit->nanos / scale;
    if (total > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  }
  return Duration{static_cast<std::int64_t>(negative ? -total : total)};
}

std::string format_duration(const Duration& duration) {
  const bool negative = duration.nanos < 0;
  const std::uint64_t size = negative ? 0 - static_cast<std::uint64_t>(duration.nanos)
                                      : static_cast<std::uint64_t>(duration.nanos);
  return cat(negative ? "-" : "", size / kNanosPerSecond,
             fraction_text(static_cast<std::int64_t>(size % kNanosPerSecond)), "s");
}

bool in_range(const Timestamp& time) {
  constexpr std::int64_t kFirst = -62135596800;
  constexpr std::int64_t kLast = 253402300799;
  return time.seconds >= kFirst && time.seconds <= kLast;
}

}  // namespace kpp::cel
