#include "cel/literals.h"

#include <charconv>
#include <cmath>

#include "cel/source.h"

namespace kpp::cel {
namespace {

// Digits of a base at a place; nullopt if there are not enough.
std::optional<char32_t> digits(std::u32string_view text, std::size_t at, std::size_t count,
                               unsigned base) {
  if (at + count > text.size()) return std::nullopt;
  char32_t out = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    const char32_t c = text[i];
    unsigned digit = 99;
    if (c >= U'0' && c <= U'9') digit = c - U'0';
    if (c >= U'a' && c <= U'f') digit = c - U'a' + 10;
    if (c >= U'A' && c <= U'F') digit = c - U'A' + 10;
    if (digit >= base) return std::nullopt;
    out = out * base + digit;
  }
  return out;
}

std::optional<char> simple_escape(char32_t c) {
  switch (c) {
    case U'a':
      return '\a';
    case U'b':
      return '\b';
    case U'f':
      return '\f';
    case U'n':
      return '\n';
    case U'r':
      return '\r';
    case U't':
      return '\t';
    case U'v':
      return '\v';
    case U'\\':
    case U'\'':
    case U'"':
    case U'`':
    case U'?':
      return static_cast<char>(c);
    default:
      return std::nullopt;
  }
}

// Appends what the escape at text[at] (behind the backslash) stands for; false if it is wrong.
bool append_escape(std::string& out, std::u32string_view text, std::size_t& at, bool bytes) {
  const char32_t c = text[at];
  if (const auto simple = simple_escape(c)) {
    out += *simple;
    ++at;
    return true;
  }
  std::size_t skip = 1;
  std::size_t count = 0;
  unsigned base = 16;
  if (c == U'x' || c == U'X') {
    count = 2;
  } else if (c == U'u' && !bytes) {
    count = 4;
  } else if (c == U'U' && !bytes) {
    count = 8;
  } else if (c >= U'0' && c <= U'3') {
    skip = 0;
    count = 3;
    base = 8;
  } else {
    return false;
  }
  const auto value = digits(text, at + skip, count, base);
  if (!value || *value > 0x10FFFF || (*value >= 0xD800 && *value <= 0xDFFF)) return false;
  at += skip + count;
  if (bytes) {
    out += static_cast<char>(*value);
  } else {
    append_utf8(out, *value);
  }
  return true;
}

template <class T>
std::optional<Value> whole(std::string_view digits, bool negative) {
  int base = 10;
  if (digits.starts_with("0x")) {
    digits.remove_prefix(2);
    base = 16;
  }
  const std::string text = (negative ? "-" : "") + std::string(digits);
  T out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Value::of(out);
}

}  // namespace

std::optional<Value> text_literal(std::u32string_view literal) {
  bool raw = false;
  bool bytes = false;
  while (literal.front() != U'"' && literal.front() != U'\'') {
    const char32_t prefix = literal.front();
    (prefix == U'r' || prefix == U'R' ? raw : bytes) = true;
    literal.remove_prefix(1);
  }
  const char32_t quote = literal.front();
  const bool triple = literal.size() >= 6 && literal[1] == quote && literal[2] == quote;
  const std::size_t width = triple ? 3 : 1;
  literal = literal.substr(width, literal.size() - 2 * width);
  std::string out;
  for (std::size_t i = 0; i < literal.size();) {
    if (literal[i] == U'\r') {
      out += '\n';
      i += i + 1 < literal.size() && literal[i + 1] == U'\n' ? 2 : 1;
    } else if (literal[i] != U'\\' || raw) {
      append_utf8(out, literal[i++]);
    } else {
      if (++i >= literal.size() || !append_escape(out, literal, i, bytes)) return std::nullopt;
    }
  }
  if (bytes) return Value::of(Bytes{std::move(out)});
  return Value::of(std::move(out));
}

std::optional<Value> int_literal(std::string_view text) {
  const bool negative = text.starts_with('-');
  return whole<std::int64_t>(text.substr(negative ? 1 : 0), negative);
}

std::optional<Value> uint_literal(std::string_view text) {
  text.remove_suffix(1);
  return whole<std::uint64_t>(text, false);
}

std::optional<Value> double_literal(std::string_view text) {
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(out))
    return std::nullopt;
  return Value::of(out);
}

}  // namespace kpp::cel
