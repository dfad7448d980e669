#include "api/time_text.h"

#include <charconv>

namespace kpp::api {
namespace {

// Days since 1970-01-01 of a date of the Gregorian calendar.
std::int64_t days_of(std::int64_t year, int month, int day) {
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void append_padded(std::string& out, std::int64_t value, int width) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  for (auto n = end - digits; n < width; ++n) out.push_back('0');
  out.append(digits, end);
}

void append_seconds(std::string& out, std::int64_t seconds) {
  std::int64_t days = seconds / 86400;
  std::int64_t rest = seconds % 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  const std::int64_t shifted = days + 719468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const std::int64_t of_era = shifted - era * 146097;
  const std::int64_t year_of_era =
      (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t mp = (5 * of_year + 2) / 153;
  const std::int64_t month = mp < 10 ? mp + 3 : mp - 9;
  append_padded(out, year_of_era + era * 400 + (month <= 2 ? 1 : 0), 4);
  out.push_back('-');
  append_padded(out, month, 2);
  out.push_back('-');
  append_padded(out, of_year - (153 * mp + 2) / 5 + 1, 2);
  out.push_back('T');
  append_padded(out, rest / 3600, 2);
  out.push_back(':');
  append_padded(out, rest / 60 % 60, 2);
  out.push_back(':');
  append_padded(out, rest % 60, 2);
}

bool digit(std::string_view text, std::size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

int days_in(int month, std::int64_t year) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// Reads one layout, element by element, as the original's parser does.
class TimeParser {
 public:
  TimeParser(std::string_view text, bool micro) : text_(text), rest_(text), micro_(micro) {}

  Status parse(std::int64_t& seconds, std::int32_t& nanos) {
    if (rest_.size() < 4 || !digit(rest_, 0) || !digit(rest_, 1) || !digit(rest_, 2) ||
        !digit(rest_, 3)) {
      return bad("2006");
    }
    const int year = number(4);
    int month = 0, day = 0, hour = 0, minute = 0, second = 0;
    KPP_RETURN_IF_ERROR(separator('-'));
    KPP_RETURN_IF_ERROR(two("01", month));
    if (month < 1 || month > 12) return range("month");
    KPP_RETURN_IF_ERROR(separator('-'));
    KPP_RETURN_IF_ERROR(two("02", day));
    KPP_RETURN_IF_ERROR(separator('T'));
    if (digit(rest_, 0) && !digit(rest_, 1)) {
      hour = number(1);
    } else {
      KPP_RETURN_IF_ERROR(two("15", hour));
    }
    if (hour > 23) return range("hour");
    KPP_RETURN_IF_ERROR(separator(':'));
    KPP_RETURN_IF_ERROR(two("04", minute));
    if (minute > 59) return range("minute");
    KPP_RETURN_IF_ERROR(separator(':'));
    KPP_RETURN_IF_ERROR(two("05", second));
    if (second > 59) return range("second");
    KPP_RETURN_IF_ERROR(fraction(nanos));
    int offset = 0;
    KPP_RETURN_IF_ERROR(zone(offset));
    if (!rest_.empty()) return message(cat(": extra text: ", quoted(rest_)));
    if (day < 1 || day > days_in(month, year)) return range("day");
    seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    return {};
  }

 private:
  Status message(const std::string& text) const {
    return {Reason::kBadRequest, cat("parsing time ", quoted(text_), text)};
  }
  Status range(std::string_view what) const { return message(cat(": ", what, " out of range")); }
  Status bad(std::string_view element) const {
    return message(cat(
        " as ", quoted(micro_ ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00"),
        ": cannot parse ", quoted(rest_), " as ", quoted(element)));
  }
  int number(std::size_t digits) {
    int out = 0;
    std::from_chars(rest_.data(), rest_.data() + digits, out);
    rest_.remove_prefix(digits);
    return out;
  }
  Status separator(char c) {
    if (rest_.empty() || rest_.front() != c) return bad(std::string_view(&c, 1));
    rest_.remove_prefix(1);
    return {};
  }
  Status two(std::string_view element, int& out) {
    if (!digit(rest_, 0) || !digit(rest_, 1)) return bad(element);
    out = number(2);
    return {};
  }
  Status fraction(std::int32_t& nanos) {
    nanos = 0;
    std::size_t digits = 0;
    const bool point = !rest_.empty() && (rest_[0] == '.' || rest_[0] == ',');
    if (micro_) {
      if (!point) return bad(".000000");
      while (digits < 6 && digit(rest_, digits + 1)) ++digits;
      if (digits < 6) return bad(".000000");
    } else if (point && digit(rest_, 1)) {
      while (digit(rest_, digits + 1)) ++digits;
    } else {
      return {};
    }
    for (std::size_t i = 0; i < 9; ++i) nanos = nanos * 10 + (i < digits ? rest_[i + 1] - '0' : 0);
    rest_.remove_prefix(digits + 1);
    return {};
  }
  Status zone(int& offset) {
    if (!rest_.empty() && rest_.front() == 'Z') {
      rest_.remove_prefix(1);
      return {};
    }
    if (rest_.size() < 6 || (rest_[0] != '+' && rest_[0] != '-') || rest_[3] != ':' ||
        !digit(rest_, 1) || !digit(rest_, 2) || !digit(rest_, 4) || !digit(rest_, 5)) {
      return bad("Z07:00");
    }
    const int hours = (rest_[1] - '0') * 10 + rest_[2] - '0';
    const int minutes = (rest_[4] - '0') * 10 + rest_[5] - '0';
    if (hours > 24) return range("time zone offset hour");
    if (minutes > 60) return range("time zone offset minute");
    offset = (hours * 60 + minutes) * 60 * (rest_[0] == '-' ? -1 : 1);
    rest_.remove_prefix(6);
    return {};
  }

  const std::string_view text_;
  std::string_view rest_;
  const bool micro_;
};

}  // namespace

void append_time(std::string& out, const Time& time) {
  append_seconds(out, time.seconds);
  out.push_back('Z');
}

void append_micro_time(std::string& out, const MicroTime& time) {
  append_seconds(out, time.seconds);
  out.push_back('.');
  append_padded(out, time.nanos / 1000, 6);
  out.push_back('Z');
}

Result<Time> parse_time(std::string_view text) {
  Time out;
  KPP_RETURN_IF_ERROR(TimeParser(text, false).parse(out.seconds, out.nanos));
  return out;
}

Result<MicroTime> parse_micro_time(std::string_view text) {
  MicroTime out;
  KPP_RETURN_IF_ERROR(TimeParser(text, true).parse(out.seconds, out.nanos));
  return out;
}

}  // namespace kpp::api
