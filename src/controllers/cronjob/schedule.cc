#include "controllers/cronjob/schedule.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <vector>

#include "base/cat.h"

namespace kpp::controllers {
namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kHorizon = 5 * 366 * kDay;
constexpr std::string_view kMonths = "jan feb mar apr may jun jul aug sep oct nov dec";
constexpr std::string_view kWeekdays = "sun mon tue wed thu fri sat";

struct Word {
  std::string_view word, fields;
};
constexpr Word kWords[] = {{"@yearly", "0 0 1 1 *"},  {"@annually", "0 0 1 1 *"},
                           {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
                           {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                           {"@hourly", "0 * * * *"}};

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (true) {
    const auto at = text.find(by);
    if (at != 0 || by != ' ') out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) break;
    text.remove_prefix(at + 1);
  }
  if (by == ' ' && !out.empty() && out.back().empty()) out.pop_back();
  return out;
}

std::optional<int> number_or_name(std::string_view text, int first, std::string_view names) {
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc() && end == text.data() + text.size() && out >= 0) return out;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto at = lower.size() == 3 ? names.find(lower) : std::string_view::npos;
  if (at == std::string_view::npos || at % 4 != 0) return std::nullopt;
  return first + static_cast<int>(at / 4);
}

// "1h30m", as @every takes it.
std::optional<std::int64_t> seconds_of(std::string_view text) {
  std::int64_t out = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto used = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || number < 0 || number > kHorizon || used >= text.size())
      return std::nullopt;
    const char unit = text[used];
    if (unit != 'h' && unit != 'm' && unit != 's') return std::nullopt;
    out += number * (unit == 'h' ? kHour : unit == 'm' ? kMinute : 1);
    if (out > kHorizon) return std::nullopt;
    text.remove_prefix(used + 1);
  }
  return std::max<std::int64_t>(out, 1);
}

}  // namespace

Result<Schedule::Field> Schedule::parse_field(std::string_view text, int first, int last,
                                              std::string_view names) {
  Field out;
  for (const auto part : split(text, ',')) {
    const auto slash = part.find('/');
    const std::string_view range = part.substr(0, slash);
    int step = 1;
    if (slash != std::string_view::npos) {
      const auto given = number_or_name(part.substr(slash + 1), 0, "");
      if (!given)
        return fail(Reason::kInvalid, cat("failed to parse int from ", part.substr(slash + 1)));
      if (*given == 0)
        return fail(Reason::kInvalid, cat("step of range should be a positive number: ", part));
      step = *given;
    }
    int from = first;
    int to = last;
    if (range == "*" || range == "?") {
      out.star = out.star || step == 1;
    } else {
      const auto dash = range.find('-');
      const auto low = number_or_name(range.substr(0, dash), first, names);
      const auto high = dash == std::string_view::npos
                            ? low
                            : number_or_name(range.substr(dash + 1), first, names);
      if (!low || !high) return fail(Reason::kInvalid, cat("failed to parse int from ", range));
      from = *low;
      to = dash == std::string_view::npos && slash != std::string_view::npos ? last : *high;
    }
    if (from < first)
      return fail(Reason::kInvalid,
                  cat("beginning of range (", from, ") below minimum (", first, "): ", part));
    if (to > last)
      return fail(Reason::kInvalid,
                  cat("end of range (", to, ") above maximum (", last, "): ", part));
    if (from > to)
      return fail(Reason::kInvalid,
                  cat("beginning of range (", from, ") beyond end of range (", to, "): ", part));
    for (int i = from; i <= to; i += step) out.values.set(static_cast<std::size_t>(i));
  }
  return out;
}

Result<Schedule> Schedule::parse(std::string_view text, TimeZone zone) {
  Schedule out;
  out.zone_ = std::move(zone);
  if (text.starts_with("@every ")) {
    const auto seconds = seconds_of(text.substr(7));
    if (!seconds) return fail(Reason::kInvalid, cat("failed to parse duration ", text));
    out.every_ = *seconds;
    return out;
  }
  if (text.starts_with('@')) {
    const auto* word = std::find_if(std::begin(kWords), std::end(kWords),
                                    [&](const auto& w) { return w.word == text; });
    if (word == std::end(kWords))
      return fail(Reason::kInvalid, cat("unrecognized descriptor: ", text));
    text = word->fields;
  }
  const auto fields = split(text, ' ');
  if (fields.size() != 5) {
    return fail(Reason::kInvalid,
                cat("expected exactly 5 fields, found ", fields.size(), ": [", text, "]"));
  }
  KPP_ASSIGN(out.minute_, parse_field(fields[0], 0, 59, ""));
  KPP_ASSIGN(out.hour_, parse_field(fields[1], 0, 23, ""));
  KPP_ASSIGN(out.day_, parse_field(fields[2], 1, 31, ""));
  KPP_ASSIGN(out.month_, parse_field(fields[3], 1, 12, kMonths));
  KPP_ASSIGN(out.weekday_, parse_field(fields[4], 0, 6, kWeekdays));
  return out;
}

bool Schedule::day_matches(int day, int weekday) const {
  const bool by_day = day_.values.test(static_cast<std::size_t>(day));
  const bool by_weekday = weekday_.values.test(static_cast<std::size_t>(weekday));
  if (day_.star || weekday_.star) return by_day && by_weekday;
  return by_day || by_weekday;
}

// Walks real moments, so that hours which a change of the clock leaves out are not due.
std::optional<std::int64_t> Schedule::next(std::int64_t after) const {
  using std::chrono::days;
  using std::chrono::sys_days;
  if (every_ > 0) return after + every_;
  std::int64_t at = after - after % kMinute + kMinute;
  const std::int64_t end = after + kHorizon;
  while (at < end) {
    const std::int64_t local = at + zone_.offset_at(at).count();
    const std::int64_t day_number = local >= 0 ? local / kDay : (local - kDay + 1) / kDay;
    const std::int64_t second = local - day_number * kDay;
    const sys_days date{days(day_number)};
    const std::chrono::year_month_day civil{date};
    const std::chrono::weekday weekday{date};
    const bool today = month_.values.test(static_cast<unsigned>(civil.month())) &&
                       day_matches(static_cast<int>(static_cast<unsigned>(civil.day())),
                                   static_cast<int>(weekday.c_encoding()));
    if (!today) {
      // To the next local midnight, with care where the day has 23 or 25 hours.
      at += std::max<std::int64_t>(
          kMinute, kDay - second > 3 * kHour ? kDay - second - 2 * kHour : kMinute * 15);
      at -= at % (15 * kMinute);
      continue;
    }
    if (!hour_.values.test(static_cast<std::size_t>(second / kHour))) {
      at += kMinute * 15 - at % (kMinute * 15);
      continue;
    }
    if (minute_.values.test(static_cast<std::size_t>(second % kHour / kMinute))) return at;
    at += kMinute;
  }
  return std::nullopt;
}

}  // namespace kpp::controllers
