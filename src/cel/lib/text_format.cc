#include "cel/lib/text_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/cat.h"
#include "cel/time_text.h"

namespace kpp::cel {
namespace {

constexpr int kDefaultPrecision = 6;
constexpr int kMostPrecision = 100;
constexpr int kDeepest = 100;
constexpr std::size_t kLongest = 1 << 20;

std::optional<std::string> special_double(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "Infinity" : "-Infinity";
  return std::nullopt;
}

// A value as %s shows it; nullopt: it has no such form.
std::optional<std::string> shown(const Value& value, int depth) {
  if (depth > kDeepest) return std::nullopt;
  if (value.is_null()) return "null";
  if (const auto* v = value.text()) return *v;
  if (const auto* v = value.as<bool>()) return cat(*v);
  if (const auto* v = value.as<std::int64_t>()) return cat(*v);
  if (const auto* v = value.as<std::uint64_t>()) return cat(*v);
  if (const auto* v = value.as<double>()) {
    if (auto special = special_double(*v)) return special;
    char buffer[400];
    const auto end =
        std::to_chars(buffer, buffer + sizeof buffer, *v, std::chars_format::fixed).ptr;
    return std::string(buffer, end);
  }
  if (const auto* v = value.bytes()) return v->data;
  if (const auto* v = value.as<Timestamp>()) return format_timestamp(*v);
  if (const auto* v = value.as<Duration>()) return format_duration(*v);
  if (const auto* v = value.as<TypeRef>()) return (*v)->to_string();
  std::string out;
  if (const List* list = value.list()) {
    for (std::size_t i = 0; i < list->size() && out.size() < kLongest; ++i) {
      const auto item = shown(list->at(i), depth + 1);
      if (!item) return std::nullopt;
      out += (i > 0 ? ", " : "") + *item;
    }
    return "[" + out + "]";
  }
  if (const Map* map = value.map()) {
    std::vector<std::string> members;
    for (std::size_t i = 0; i < map->size(); ++i) {
      const auto key = shown(map->key_at(i), depth + 1);
      const auto member = shown(map->value_at(i), depth + 1);
      if (!key || !member) return std::nullopt;
      members.push_back(cat(*key, ": ", *member));
    }
    std::sort(members.begin(), members.end());
    return cat("{", join(members, ", "), "}");
  }
  return std::nullopt;
}

std::string in_base(const Value& value, int base, bool upper) {
  std::string out;
  char buffer[70];
  std::to_chars_result end{};
  if (const auto* v = value.as<std::int64_t>()) {
    end = std::to_chars(buffer, buffer + sizeof buffer, *v, base);
  } else {
    end = std::to_chars(buffer, buffer + sizeof buffer, *value.as<std::uint64_t>(), base);
  }
  out.assign(buffer, end.ptr);
  if (upper)
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
  return out;
}

std::string hex_of(const std::string& bytes, bool upper) {
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

bool is_whole(const Value& value) {
  return value.as<std::int64_t>() != nullptr || value.as<std::uint64_t>() != nullptr;
}

std::string wrong_type(std::string_view what, const Value& value) {
  return cat("error during formatting: ", what, ", was given ", value.type_name());
}

// One clause; a failure text on the right.
std::pair<std::string, std::string> clause(char verb, int precision, const Value& value) {
  switch (verb) {
    case 's': {
      auto text = shown(value, 0);
      if (text) return {std::move(*text), ""};
      return {"", wrong_type("string clause can only be used on strings, bools, bytes, ints, "
                             "doubles, maps, lists, types, durations, and timestamps",
                             value)};
    }
    case 'd': {
      if (is_whole(value)) return {in_base(value, 10, false), ""};
      if (const auto* v = value.as<double>()) {
        if (auto special = special_double(*v)) return {*special, ""};
      }
      return {"", wrong_type("decimal clause can only be used on integers", value)};
    }
    case 'f':
    case 'e': {
      const auto* v = value.as<double>();
      if (v == nullptr)
        return {"", wrong_type(verb == 'f' ? "fixed-point clause can only be used on doubles"
                                           : "scientific clause can only be used on doubles",
                               value)};
      if (auto special = special_double(*v)) return {*special, ""};
      char buffer[600];
      const auto end =
          std::to_chars(buffer, buffer + sizeof buffer, *v,
                        verb == 'f' ? std::chars_format::fixed : std::chars_format::scientific,
                        precision)
              .ptr;
      return {std::string(buffer, end), ""};
    }
    case 'b':
      if (is_whole(value)) return {in_base(value, 2, false), ""};
      if (const auto* v = value.as<bool>()) return {*v ? "1" : "0", ""};
      return {"", wrong_type("only integers and bools can be formatted as binary", value)};
    case 'x':
    case 'X':
      if (is_whole(value)) return {in_base(value, 16, verb == 'X'), ""};
      if (const auto* v = value.text()) return {hex_of(*v, verb == 'X'), ""};
      if (const auto* v = value.bytes()) return {hex_of(v->data, verb == 'X'), ""};
      return {"", wrong_type("only integers, byte buffers, and strings can be formatted as hex",
                             value)};
    case 'o':
      if (is_whole(value)) return {in_base(value, 8, false), ""};
      return {"", wrong_type("octal clause can only be used on integers", value)};
    default:
      return {"", cat("could not parse formatting clause: unrecognized formatting clause \"", verb,
                      "\"")};
  }
}

}  // namespace

Value format_text(const std::string& format, const List& args) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    if (++i >= format.size()) return Value::fail("unexpected end of string");
    if (format[i] == '%') {
      out += '%';
      continue;
    }
    int precision = kDefaultPrecision;
    if (format[i] == '.') {
      const char* begin = format.data() + i + 1;
      const auto [end, error] = std::from_chars(begin, format.data() + format.size(), precision);
      if (error != std::errc() || precision < 0 || precision > kMostPrecision)
        return Value::fail("could not parse formatting clause: error while parsing precision");
      i = static_cast<std::size_t>(end - format.data());
      if (i >= format.size()) return Value::fail("unexpected end of string");
    }
    if (next >= args.size()) return Value::fail(cat("index ", next, " out of range"));
    auto [text, failure] = clause(format[i], precision, args.at(next++));
    if (!failure.empty()) return Value::fail(std::move(failure));
    out += text;
  }
  return Value::of(std::move(out));
}

}  // namespace kpp::cel
