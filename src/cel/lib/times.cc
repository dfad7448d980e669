// Parts of times and durations.
#include <chrono>

#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

// Minutes east of UTC: "UTC", "+01:00", "-08:00".
std::optional<std::int64_t> offset_seconds(const std::string& zone) {
  if (zone.empty() || zone == "UTC" || zone == "Z") return 0;
  const bool negative = zone[0] == '-';
  const std::size_t skip = negative || zone[0] == '+' ? 1 : 0;
  const auto digit = [&zone](std::size_t i) { return zone[i] >= '0' && zone[i] <= '9'; };
  if (zone.size() == skip + 5 && zone[skip + 2] == ':' && digit(skip) && digit(skip + 1) &&
      digit(skip + 3) && digit(skip + 4)) {
    const std::int64_t minutes = ((zone[skip] - '0') * 10 + zone[skip + 1] - '0') * 60 +
                                 (zone[skip + 3] - '0') * 10 + zone[skip + 4] - '0';
    return (negative ? -minutes : minutes) * 60;
  }
  return std::nullopt;
}

enum class Part : std::uint8_t {
  kFullYear,
  kMonth,
  kDayOfYear,
  kDayOfMonth,
  kDate,
  kDayOfWeek,
  kHours,
  kMinutes,
  kSeconds,
  kMillis,
};

template <Part kPart>
Value time_part(Args args) {
  using namespace std::chrono;
  const Timestamp& time = *args[0].as<Timestamp>();
  std::int64_t at = time.seconds;
  if (args.size() > 1) {
    const auto offset = offset_seconds(*args[1].text());
    if (!offset) return Value::fail("unknown time zone " + *args[1].text());
    at += *offset;
  }
  const sys_seconds moment{seconds(at)};
  const sys_days day = floor<days>(moment);
  const year_month_day date(day);
  const hh_mm_ss clock(moment - day);
  switch (kPart) {
    case Part::kFullYear:
      return Value::of(static_cast<int>(date.year()));
    case Part::kMonth:
      return Value::of(static_cast<int>(static_cast<unsigned>(date.month())) - 1);
    case Part::kDayOfYear:
      return Value::of((day - sys_days(date.year() / January / 1)).count());
    case Part::kDayOfMonth:
      return Value::of(static_cast<int>(static_cast<unsigned>(date.day())) - 1);
    case Part::kDate:
      return Value::of(static_cast<int>(static_cast<unsigned>(date.day())));
    case Part::kDayOfWeek:
      return Value::of(static_cast<int>(weekday(day).c_encoding()));
    case Part::kHours:
      return Value::of(clock.hours().count());
    case Part::kMinutes:
      return Value::of(clock.minutes().count());
    case Part::kSeconds:
      return Value::of(clock.seconds().count());
    case Part::kMillis:
      return Value::of(static_cast<std::int64_t>(time.nanos / kNanosPerMilli));
  }
  return {};
}

template <std::int64_t kUnit>
Value whole_units(Args args) {
  return Value::of(args[0].as<Duration>()->nanos / kUnit);
}

void add_part(FunctionTable& table, const std::string& name, Value (*call)(Args)) {
  table.add("timestamp." + name + "() -> int", call);
  table.add("timestamp." + name + "(string) -> int", call);
}

}  // namespace

void add_time_functions(FunctionTable& table) {
  add_part(table, "getFullYear", time_part<Part::kFullYear>);
  add_part(table, "getMonth", time_part<Part::kMonth>);
  add_part(table, "getDayOfYear", time_part<Part::kDayOfYear>);
  add_part(table, "getDayOfMonth", time_part<Part::kDayOfMonth>);
  add_part(table, "getDate", time_part<Part::kDate>);
  add_part(table, "getDayOfWeek", time_part<Part::kDayOfWeek>);
  add_part(table, "getHours", time_part<Part::kHours>);
  add_part(table, "getMinutes", time_part<Part::kMinutes>);
  add_part(table, "getSeconds", time_part<Part::kSeconds>);
  add_part(table, "getMilliseconds", time_part<Part::kMillis>);
  table.add("duration.getHours() -> int", whole_units<3600 * kNanosPerSecond>);
  table.add("duration.getMinutes() -> int", whole_units<60 * kNanosPerSecond>);
  table.add("duration.getSeconds() -> int", whole_units<kNanosPerSecond>);
  table.add("duration.getMilliseconds() -> int", [](Args args) {
    return Value::of(args[0].as<Duration>()->nanos / kNanosPerMilli % 1000);
  });
}

}  // namespace kpp::cel
