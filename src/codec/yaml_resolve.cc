#include "codec/yaml_resolve.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace kpp::yaml {
namespace {

template <std::size_t N>
bool one_of(std::string_view text, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

constexpr std::string_view kTrue[] = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                      "True", "TRUE", "on",  "On",  "ON"};
constexpr std::string_view kFalse[] = {"n",     "N",     "no",  "No",  "NO", "false",
                                       "False", "FALSE", "off", "Off", "OFF"};
constexpr std::string_view kNull[] = {"", "~", "null", "Null", "NULL"};
constexpr std::string_view kNan[] = {".nan", ".NaN", ".NAN"};
constexpr std::string_view kInfinite[] = {".inf", ".Inf", ".INF"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// [-+]? (0b | 0o | 0x | 0)? digits, with '_' anywhere between them.
std::optional<json::Value> integer(std::string_view text) {
  bool negative = false;
  if (text.front() == '-' || text.front() == '+') {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16, text.remove_prefix(2);
  } else if (text.starts_with("0b") || text.starts_with("0B")) {
    base = 2, text.remove_prefix(2);
  } else if (text.starts_with("0o") || text.starts_with("0O")) {
    base = 8, text.remove_prefix(2);
  } else if (text.size() > 1 && text.front() == '0') {
    base = 8, text.remove_prefix(1);
  }
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return {};
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (negative) {
    if (value > kMax + 1) return {};
    return json::Value(static_cast<std::int64_t>(0 - value));
  }
  if (value <= kMax) return json::Value(static_cast<std::int64_t>(value));
  return json::Value(value);
}

// [-+]? (. digits | digits (. digits?)?) ([eE] [-+]? digits)?
bool looks_like_float(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - start;
  };
  if (text[at] == '-' || text[at] == '+') ++at;
  const std::size_t before = digits();
  std::size_t after = 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    after = digits();
  }
  if (before + after == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

// A whole number is an integer once it went through JSON text ("1e3" is 1000).
json::Value number(double value) {
  std::string text;
  json::write_double(text, value);
  auto parsed = json::parse(text);
  return parsed ? std::move(*parsed) : json::Value(value);
}

std::optional<json::Value> numeric(std::string_view text) {
  std::string plain(text);
  std::erase(plain, '_');
  if (plain.empty()) return {};
  if (auto whole = integer(plain)) return whole;
  if (!looks_like_float(plain)) return {};
  std::string_view unsigned_part = plain;
  if (unsigned_part.front() == '+') unsigned_part.remove_prefix(1);
  double value = 0;
  const char* const end = unsigned_part.data() + unsigned_part.size();
  if (std::from_chars(unsigned_part.data(), end, value).ec != std::errc()) return {};
  return number(value);
}

bool may_be_numeric(char c) { return is_digit(c) || c == '-' || c == '+' || c == '.'; }

// 190:20:30, a number of base 60 in YAML 1.1; readers differ, so writers quote it.
bool is_base_60(std::string_view text) {
  if (text.empty()) return false;
  if (text.front() == '-' || text.front() == '+') text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front()) || text.find(':') == std::string_view::npos)
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_digit(c) || c == ':' || c == '.' || c == '_'; });
}

// 2001-12-14, alone or followed by a time.
bool is_timestamp(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&](std::size_t least, std::size_t most) {
    std::size_t n = 0;
    while (at < text.size() && n < most && is_digit(text[at])) ++at, ++n;
    return n >= least;
  };
  const auto one = [&](std::string_view any) {
    if (at == text.size() || any.find(text[at]) == std::string_view::npos) return false;
    ++at;
    return true;
  };
  if (!digits(4, 4) || !one("-") || !digits(1, 2) || !one("-") || !digits(1, 2)) return false;
  if (at == text.size()) return true;
  return one("Tt ") && digits(1, 2) && one(":") && digits(1, 2) && one(":") && digits(1, 2);
}

}  // namespace

json::Value resolve_plain(std::string_view text) {
  if (one_of(text, kNull)) return nullptr;
  if (one_of(text, kTrue)) return true;
  if (one_of(text, kFalse)) return false;
  if (one_of(text, kNan)) return std::numeric_limits<double>::quiet_NaN();
  if (may_be_numeric(text.front())) {
    std::string_view rest = text;
    const bool negative = rest.front() == '-';
    if (negative || rest.front() == '+') rest.remove_prefix(1);
    if (one_of(rest, kInfinite)) {
      const double infinite = std::numeric_limits<double>::infinity();
      return negative ? -infinite : infinite;
    }
    if (auto value = numeric(text)) return std::move(*value);
  }
  return json::Value(boost::json::string(text.data(), text.size()));
}

bool plain_is_no_string(std::string_view text) {
  return !resolve_plain(text).is_string() || text == "<<" || text == "=" || is_base_60(text) ||
         is_timestamp(text);
}

}  // namespace kpp::yaml
