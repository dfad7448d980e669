// Joining of values into text; the one way this project builds messages.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace kpp {

namespace cat_detail {
inline void append(std::string& out, std::string_view v) { out.append(v); }
inline void append(std::string& out, const char* v) { out.append(v); }
inline void append(std::string& out, char v) { out.push_back(v); }
inline void append(std::string& out, bool v) { out.append(v ? "true" : "false"); }
template <std::integral T>
void append(std::string& out, T v) {
  char buf[24];
  const auto end = std::to_chars(buf, buf + sizeof buf, v).ptr;
  out.append(buf, end);
}
template <std::floating_point T>
void append(std::string& out, T v) {
  char buf[40];
  const auto end = std::to_chars(buf, buf + sizeof buf, v).ptr;
  out.append(buf, end);
}
template <class T>
  requires requires(const T& v) {
    { v.to_string() } -> std::convertible_to<std::string>;
  }
void append(std::string& out, const T& v) {
  out.append(v.to_string());
}
}  // namespace cat_detail

// Concatenates strings, characters, booleans, numbers and values that have to_string().
template <class... Args>
std::string cat(const Args&... args) {
  std::string out;
  (cat_detail::append(out, args), ...);
  return out;
}

// Text in double quotes with the escapes of Go's %q, as the API's messages use it.
std::string quoted(std::string_view text);

// Joins the elements of a range of strings.
template <class Range>
std::string join(const Range& range, std::string_view separator) {
  std::string out;
  bool first = true;
  for (const auto& item : range) {
    if (!first) out.append(separator);
    first = false;
    cat_detail::append(out, item);
  }
  return out;
}

}  // namespace kpp
