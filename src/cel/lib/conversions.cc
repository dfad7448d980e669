// Conversions between the language's types, and size().
#include <charconv>
#include <cmath>

#include "base/cat.h"
#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"
#include "cel/source.h"
#include "cel/time_text.h"
#include "codec/json.h"

namespace kpp::cel {
namespace {

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

Value itself(Args args) { return args[0]; }

Value not_convertible(std::string_view from, std::string_view to) {
  return Value::fail(cat("type conversion error from '", from, "' to '", to, "'"));
}

template <class T>
Value parse_whole(std::string_view text, std::string_view to) {
  T out = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    return not_convertible("string", to);
  return Value::of(out);
}

Value double_to_int(Args args) {
  const double v = *args[0].as<double>();
  if (!(v > -kTwo63 && v < kTwo63)) return Value::fail("integer overflow");
  return Value::of(static_cast<std::int64_t>(v));
}
Value double_to_uint(Args args) {
  const double v = *args[0].as<double>();
  if (!(v >= 0 && v < kTwo64)) return Value::fail("unsigned integer overflow");
  return Value::of(static_cast<std::uint64_t>(v));
}

Value string_to_double(Args args) {
  std::string_view text = *args[0].text();
  if (text.starts_with('+')) text.remove_prefix(1);
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    return not_convertible("string", "double");
  return Value::of(out);
}

// As strconv.FormatFloat(v, 'g', -1, 64) writes it.
std::string double_text(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  char buffer[40];
  const auto shortest =
      std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(shortest - buffer));
  int exponent = 0;
  const auto e = text.find('e');
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(),
                  exponent);
  if (exponent < -4 || exponent >= 21) return std::string(text);
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::fixed).ptr;
  return std::string(buffer, fixed);
}

bool is_utf8(const std::string& bytes) {
  std::string again;
  for (const char32_t c : decode_utf8(bytes)) append_utf8(again, c);
  return again == bytes;
}

Value to_bool(Args args) {
  const std::string& text = *args[0].text();
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return Value::of(true);
  }
  for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return Value::of(false);
  }
  return not_convertible("string", "bool");
}

Value seconds_to_time(Args args) {
  const Timestamp out{*args[0].as<std::int64_t>(), 0};
  return in_range(out) ? Value::of(out) : Value::fail("timestamp overflow");
}

Value text_to_time(Args args) {
  const auto time = parse_timestamp(*args[0].text());
  if (!time) return not_convertible("string", "google.protobuf.Timestamp");
  return in_range(*time) ? Value::of(*time) : Value::fail("timestamp overflow");
}

Value text_to_duration(Args args) {
  const auto duration = parse_duration(*args[0].text());
  return duration ? Value::of(*duration) : not_convertible("string", "google.protobuf.Duration");
}

void add_numbers(FunctionTable& table) {
  table.add("int(int) -> int", itself);
  table.add("int(double) -> int", double_to_int);
  table.add("int(duration) -> int",
            [](Args args) { return Value::of(args[0].as<Duration>()->nanos); });
  table.add("int(string) -> int",
            [](Args args) { return parse_whole<std::int64_t>(*args[0].text(), "int"); });
  table.add("int(timestamp) -> int",
            [](Args args) { return Value::of(args[0].as<Timestamp>()->seconds); });
  table.add("int(uint) -> int", [](Args args) {
    const std::uint64_t v = *args[0].as<std::uint64_t>();
    return v > INT64_MAX ? Value::fail("integer overflow")
                         : Value::of(static_cast<std::int64_t>(v));
  });
  table.add("uint(uint) -> uint", itself);
  table.add("uint(double) -> uint", double_to_uint);
  table.add("uint(int) -> uint", [](Args args) {
    const std::int64_t v = *args[0].as<std::int64_t>();
    return v < 0 ? Value::fail("unsigned integer overflow")
                 : Value::of(static_cast<std::uint64_t>(v));
  });
  table.add("uint(string) -> uint",
            [](Args args) { return parse_whole<std::uint64_t>(*args[0].text(), "uint"); });
  table.add("double(double) -> double", itself);
  table.add("double(int) -> double",
            [](Args args) { return Value::of(static_cast<double>(*args[0].as<std::int64_t>())); });
  table.add("double(string) -> double", string_to_double);
  table.add("double(uint) -> double",
            [](Args args) { return Value::of(static_cast<double>(*args[0].as<std::uint64_t>())); });
}

void add_texts(FunctionTable& table) {
  table.add("string(string) -> string", itself);
  table.add("string(bool) -> string",
            [](Args args) { return Value::of(*args[0].as<bool>() ? "true" : "false"); });
  table.add(
      "string(bytes) -> string",
      [](Args args) {
        const std::string& data = args[0].bytes()->data;
        if (!is_utf8(data)) return Value::fail("invalid UTF-8 in bytes, cannot convert to string");
        return Value::of(data);
      },
      cost_walk_first);
  table.add("string(double) -> string",
            [](Args args) { return Value::of(double_text(*args[0].as<double>())); });
  table.add("string(duration) -> string",
            [](Args args) { return Value::of(format_duration(*args[0].as<Duration>())); });
  table.add("string(int) -> string",
            [](Args args) { return Value::of(cat(*args[0].as<std::int64_t>())); });
  table.add("string(timestamp) -> string",
            [](Args args) { return Value::of(format_timestamp(*args[0].as<Timestamp>())); });
  table.add("string(uint) -> string",
            [](Args args) { return Value::of(cat(*args[0].as<std::uint64_t>())); });
  table.add("bytes(bytes) -> bytes", itself);
  table.add(
      "bytes(string) -> bytes", [](Args args) { return Value::of(Bytes{*args[0].text()}); },
      cost_walk_first);
}

}  // namespace

void add_conversions(FunctionTable& table) {
  add_numbers(table);
  add_texts(table);
  table.add("bool(bool) -> bool", itself);
  table.add("bool(string) -> bool", to_bool);
  table.add("dyn(A) -> dyn", itself);
  table.add("type(A) -> type(A)", [](Args args) { return Value::of(args[0].type()); });
  table.add("duration(duration) -> duration", itself);
  table.add("duration(int) -> duration",
            [](Args args) { return Value::of(Duration{*args[0].as<std::int64_t>()}); });
  table.add("duration(string) -> duration", text_to_duration);
  table.add("timestamp(timestamp) -> timestamp", itself);
  table.add("timestamp(int) -> timestamp", seconds_to_time);
  table.add("timestamp(string) -> timestamp", text_to_time);
  const auto size = [](Args args) {
    return Value::of(static_cast<std::int64_t>(size_of(args[0]).value_or(0)));
  };
  for (const std::string type : {"bytes", "list(A)", "map(A, B)", "string"}) {
    table.add("size(" + type + ") -> int", size);
    table.add(type + ".size() -> int", size);
  }
}

}  // namespace kpp::cel
